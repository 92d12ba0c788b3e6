// Beside the map: the list (of changes, where two stretches are compared), or the card
// of what was chosen.

import { dataset, revision } from "../model";
import * as s from "../state";
import { placeAt, subjectOf } from "../subject";
import { stretches } from "../versus";
import { Card } from "./card";
import { ChangeList } from "./changes";
import { List } from "./list";

export function Side() {
  revision.value;
  const data = dataset.value, subject = subjectOf(s.selected.value);
  if (!data || !subject || (subject.tab === "place" && placeAt(data, subject.key) < 0)) return stretches.value ? <ChangeList /> : <List />;
  return <Card data={data} subject={subject} />;
}
