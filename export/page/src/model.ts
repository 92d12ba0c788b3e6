// From signals to sums: everything the page shows is computed here, and only
// when something it depends on changed.

import { computed, signal } from "@preact/signals";
import { ask, type Question } from "./filter";
import { Dataset, placeKey } from "./dataset";
import * as s from "./state";
import { sum, weights as toWeights, type Sums } from "./sums";

/** The data, and a number that grows when ticks are added to it. */
export const dataset = signal<Dataset | null>(null);
export const revision = signal(0);

/** Is the sensor asked (the served page), or does the file carry all (saved)? */
export const live = signal(false);

export const question = computed<Question>(() => {
  revision.value;
  const d = dataset.value;
  if (!d || live.value || !s.filter.value) return { keys: 0xffff };
  return ask(d, s.filter.value);
});

/** The selected bins: the brush's, or the window's. */
export const bins = computed<[number, number]>(() => {
  revision.value;
  const d = dataset.value;
  if (!d) return [0, 0];
  const [first, end] = d.bins();
  const b = s.brush.value;
  if (!b) return [first, end];
  const from = Math.max(first, Math.min(end - 1, d.binOf(b[0])));
  return [from, Math.max(from + 1, Math.min(end, d.binOf(b[1])))];
});

/** The selected stretch of time, ms. */
export const selectedTime = computed<[number, number]>(() => {
  const d = dataset.value;
  if (!d) return [0, 0];
  const [a, b] = bins.value;
  return s.brush.value ? [Math.max(d.from, d.timeOf(a)), Math.min(d.to, d.timeOf(b))] : [d.from, d.to];
});

export const keys = computed(() => s.keyMask(s.protocol.value, s.direction.value, s.clouds.value || live.value) & question.value.keys);

export const sums = computed<Sums | null>(() => {
  revision.value;
  const d = dataset.value, q = question.value;
  if (!d) return null;
  const [from, to] = bins.value;
  const rows = q.details ? detailRows(d, q.details) : d;
  return sum(rows, { keys: keys.value, from, to, places: q.places });
});

export const weights = computed<Float64Array>(() => {
  const v = sums.value;
  return v ? toWeights(v, s.unit.value) : new Float64Array(0);
});

/** What the colours' scale is fitted to: over a playback, the most that any step has of each place. */
export const scaleWeights = computed<Float64Array>(() => weights.value);

/** Details as rows, at the bin of their first packet: they carry no course of time. */
function detailRows(d: Dataset, mask: Uint8Array): Dataset {
  const { details } = d;
  const list: number[] = [];
  for (let i = 0; i < details.n; i++) if (mask[i]) list.push(i);
  const pick = <T extends Float64Array | Uint32Array | Uint8Array>(a: T): T => (a as Float64Array).constructor === Float64Array
    ? (Float64Array.from(list, (i) => a[i]) as T)
    : ((a.constructor as Uint32ArrayConstructor).from(list, (i) => a[i]) as T);
  const out = new Dataset({ meta: d.meta, places: d.places, rows: d.rows, details: d.details });
  out.rows = {
    n: list.length, place: pick(details.place), key: pick(details.key), bin: Uint32Array.from(pick(details.first)),
    packets: pick(details.packets), bytes: pick(details.bytes), opens: pick(details.opens),
  };
  return out;
}

/** The index of the selected place, or -1. */
export const selectedPlace = computed(() => find(s.selected.value));
export const hoveredPlace = computed(() => find(s.hovered.value));

function find(key: string | null): number {
  revision.value;
  const d = dataset.value;
  if (!d || !key) return -1;
  for (let i = 0; i < d.places.n; i++) if (placeKey(d.places, i) === key) return i;
  return -1;
}
