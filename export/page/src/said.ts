// The sentence of what the page shows now.

import { computed } from "@preact/signals";
import { dropsIn } from "./drops";
import { status } from "./live";
import * as model from "./model";
import { longest, pieces, type Piece, type Said } from "./sentence";
import { narrowed, zone } from "./state";

/** The heading: a title that was given, else the sensor's name. */
export const heading = computed(() => {
  const m = model.dataset.value?.meta;
  model.revision.value;
  return m?.title || m?.sensor || status.value.sensor || "packetheat";
});

const facts = computed<Said | null>(() => {
  model.revision.value;
  const d = model.dataset.value, sums = model.sums.value;
  if (!d || !sums) return null;
  const [from, to] = model.selectedTime.value;
  return { from, to, zone: zone.value, blank: model.blank.value || model.off.value, part: narrowed() || model.partly.value, totals: d.meta.totals, drops: dropsIn(d, from, to), sums };
});

export const said = computed<Piece[]>(() => (facts.value ? pieces(facts.value) : []));

/** What row 1 keeps room for. */
export const room = computed<Piece[][]>(() => (facts.value ? longest(facts.value) : []));
