// From signals to sums: everything the page shows is computed here, and only
// when something it depends on changed.

import { computed, signal } from "@preact/signals";
import { ask, type Question } from "./filter";
import { Dataset, placeKey } from "./dataset";
import * as s from "./state";
import { byBin, Rolling, Trail, type ByBin } from "./bybin";
import { covered, Steps } from "./playback";
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

/** The window: all the data, or in a saved file the part of it that was chosen. */
export const windowBins = computed<[number, number]>(() => {
  revision.value;
  const d = dataset.value;
  if (!d) return [0, 0];
  return s.fixed.value && !live.value ? within(d, s.fixed.value, d.bins()) : d.bins();
});

/** What is played, and shown while nothing is: the brush's bins, or the window's. */
export const range = computed<[number, number]>(() => {
  const d = dataset.value, w = windowBins.value;
  return d && s.brush.value ? within(d, s.brush.value, w) : w;
});

/** The bins of a stretch of time, held to those from first up to end; one at least. */
function within(d: Dataset, time: [number, number], [first, end]: [number, number]): [number, number] {
  const from = Math.max(first, Math.min(end - 1, d.binOf(time[0])));
  return [from, Math.max(from + 1, Math.min(end, d.binOf(time[1])))];
}

/** Is only a part of what a saved file carries shown? */
export const partly = computed(() => {
  const d = dataset.value;
  return !!d && String(windowBins.value) !== String(d.bins());
});

/** Share of the finer steps that a playback has got from the sensor; 1: nothing is asked. */
export const refining = signal(1);

/** The steps of the playback, while there is one. */
export const steps = computed<Steps | null>(() => {
  const d = dataset.value, [from, to] = range.value;
  return d && s.at.value !== null ? new Steps(d, from, to) : null;
});

/** Which of them is shown. */
export const step = computed(() => steps.value?.at(s.at.value ?? 0) ?? 0);

/** The selected bins: the playback's step (or all up to it), else the brush's, else the window's. */
export const bins = computed<[number, number]>(() => {
  const all = range.value, played = steps.value;
  return played ? [s.growing.value ? all[0] : played.edge(step.value), played.edge(step.value + 1)] : all;
});

/** The selected stretch of time, ms. */
export const selectedTime = computed<[number, number]>(() => {
  const d = dataset.value;
  if (!d) return [0, 0];
  const [a, b] = bins.value, [first, end] = d.bins();
  return [a === first ? d.from : d.timeOf(a), b === end ? d.to : d.timeOf(b)];
});

/** Was no sensor on in the step that alone is shown? Then there is no data, which is not zero. */
export const blank = computed(() => {
  const d = dataset.value, played = steps.value;
  revision.value;
  return !!d && !!played && !s.growing.value && covered(d, ...played.span(step.value)) === 0;
});

/** Was none in all of the window? */
export const off = computed(() => {
  revision.value;
  const d = dataset.value, c = d?.meta.coverage;
  return !!d && !!c && c.length > 0 && c.every((x) => x.state === "off") && d.to > d.from;
});

export const keys = computed(() => s.keyMask(s.protocol.value, s.direction.value, s.clouds.value || live.value) & question.value.keys);

/** What is summed: the rows, or the details that a filter asks for. */
export const rows = computed<Dataset | null>(() => {
  revision.value;
  const d = dataset.value, q = question.value;
  return d && q.details ? detailRows(d, q.details) : d;
});

/** The sums of the window, with the course of time; brush and playback leave it as it is. */
const whole = computed<Sums | null>(() => {
  revision.value;
  const d = rows.value, [from, to] = windowBins.value;
  return d && sum(d, { keys: keys.value, from, to, places: question.value.places });
});

/** Rows by bin, made when a part of the window is first asked for. */
const index = computed<ByBin | null>(() => {
  revision.value;
  return rows.value && byBin(rows.value.rows);
});

const rolling = computed(() => {
  revision.value;
  return rows.value && index.value && new Rolling(rows.value, index.value, keys.value, question.value.places);
});

export const sums = computed<Sums | null>(() => {
  const all = whole.value, [from, to] = bins.value, w = windowBins.value;
  if (!all || (from === w[0] && to === w[1])) return all;
  return rolling.value!.sums(from, to, all.series);
});

const trail = computed(() => {
  revision.value;
  return rows.value && index.value && new Trail(rows.value, index.value, s.unit.value, keys.value, question.value.places);
});

/** The edges of the steps up to one. */
const edges = (played: Steps, last: number) => Array.from({ length: last + 2 }, (_, i) => played.edge(i));

/** What the map is weighted by: over a playback of single steps, with a trail. */
export const weights = computed<Float64Array>(() => {
  const v = sums.value, played = steps.value;
  if (!v) return new Float64Array(0);
  if (!played || s.growing.value) return toWeights(v, s.unit.value);
  if (blank.value) return new Float64Array(v.opens.length); // what was before the gap is not of now
  return trail.value!.shown(edges(played, step.value));
});

/** What the colours' scale is fitted to: over a playback, the step that has the strongest spot, or the whole sum. */
export const scaleWeights = computed<Float64Array>(() => steps.value ? fullest.value : weights.value);

const fullest = computed<Float64Array>(() => {
  const d = rows.value, [from, to] = range.value;
  if (!d) return new Float64Array(0);
  if (s.growing.value) return toWeights(rolling.value!.sums(from, to, { packets: none, bytes: none }), s.unit.value);
  const played = new Steps(d, from, to);
  return trail.value!.strongest(edges(played, played.n - 1));
});
const none = new Float64Array(0);

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
