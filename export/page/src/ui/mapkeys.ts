// Keys of the map that work everywhere but in a text field.

import { placeKey } from "../dataset";
import { measure } from "../measure";
import { dataset } from "../model";
import { map } from "../page";
import { kinds } from "../projection";
import * as s from "../state";
import { menuId, toggleLock, weigh } from "./mapmenu";

/** Marks the next place on the map, heaviest first; Enter opens it. */
function step(by: 1 | -1): void {
  const d = dataset.value, seen = map.value?.inSight() ?? [];
  if (!d || seen.length === 0) return;
  const at = seen.findIndex((i) => placeKey(d.places, i) === s.hovered.value);
  const next = at < 0 ? (by > 0 ? 0 : seen.length - 1) : (at + by + seen.length) % seen.length;
  s.hovered.value = placeKey(d.places, seen[next]);
}

export const mapKeys: Record<string, () => void> = {
  p: () => (s.projection.value = kinds[(kinds.indexOf(s.projection.value) + 1) % kinds.length]),
  d: () => (s.split.value = !s.split.value),
  a: () => weigh(measure.value === "addresses" ? s.unit.value : "addresses"),
  l: toggleLock,
  m: () => document.getElementById(menuId)?.togglePopover(),
  n: () => step(1),
  N: () => step(-1),
};

/** For the sheet of keys. */
export const mapKeyNames: [string, string][] = [
  ["p", "Equal Earth, Mercator, globe"], ["d", "heat, or in and out apart"], ["a", "weigh by addresses"], ["l", "lock the scale"], ["m", "how the map is drawn"], ["n N", "next place on the map, and the one before; Enter opens it"],
];
