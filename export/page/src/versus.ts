// The comparison that is shown: which two stretches, where the numbers of the other
// one come from (the file, or a second question to the sensor), and how far to trust it.

import { computed, effect, signal } from "@preact/signals";
import { cells, json } from "./api";
import { change, countryChanges, fairScale, otherStretch, placeChanges, signed, sorted, type Change } from "./compare";
import { Dataset } from "./dataset";
import { dropsIn } from "./drops";
import { duration, span } from "./format";
import { itemOf, mostAsked, sensorFilter, type Row, type TopAnswer } from "./lists";
import { asked } from "./live";
import * as model from "./model";
import { covered } from "./playback";
import * as s from "./state";
import { dimensionOf } from "./subject";
import { sum, weights, type Sums } from "./sums";
import { toldApart } from "./twins";

type Stretch = [number, number];

/** The two stretches, of the times that are selected; null: nothing is compared. */
export const stretches = computed<{ now: Stretch; before: Stretch } | null>(() => {
  model.revision.value;
  if (!s.compare.value || s.at.value !== null || !model.dataset.value) return null;
  const now = model.selectedTime.value, before = otherStretch(s.compare.value, now, s.zone.value);
  return before && now[0] < now[1] ? { now, before } : null;
});

/** The other stretch, as far as it is known. */
interface Before { time: Stretch; on: number; drops: number; sums: (keys: number) => Sums; places: (d: Dataset) => Int32Array | null }

/** The sensor's last answer about another stretch. */
const fetched = signal<{ time: Stretch; filter: string; data: Dataset } | { error: string } | null>(null);

/** In a saved file: the rows of it, if it carries them all. */
function fromFile(d: Dataset, time: Stretch): Before | string {
  const first = d.bins()[0], bins: Stretch = [d.binOf(time[0]), d.binOf(time[1])];
  if (bins[0] < first || bins[1] > d.bins()[1] || bins[0] >= bins[1]) return outside(d, time);
  return { time, on: covered(d, ...time), drops: dropsIn(d, ...time).n, sums: (keys) => sum(model.rows.value!, { keys, from: bins[0], to: bins[1], places: model.question.value.places }), places: () => null };
}

/** What a file says of a time that it does not carry. */
function outside(d: Dataset, time: Stretch): string {
  const now = model.selectedTime.value;
  const whole = now[0] <= d.from && now[1] >= d.to ? "Drag over a part of the timeline to compare within the file, or ask the sensor." : "Ask the sensor.";
  return `This file does not carry ${span(...time, s.zone.value)}. ${whole}`;
}

/** The command that asks the sensor for what a file does not carry. */
export const command = computed(() => {
  const v = stretches.value, iso = (t: number) => new Date(t).toISOString().replace(".000Z", "Z");
  if (!v) return "";
  const by = dimensionOf[s.tab.value];
  const filter = model.dataset.value?.meta.filter;
  return `packetheat top ${by} --from ${iso(v.now[0])} --to ${iso(v.now[1])} --compare ${s.compare.value}${filter ? ` --filter '${filter}'` : ""}`;
});

const before = computed<Before | string | null>(() => {
  const d = model.dataset.value, got = fetched.value, v = stretches.value;
  if (!v || !d) return null;
  if (!model.live.value) return fromFile(d, v.before);
  if (!got) return "Asking the sensor …";
  if ("error" in got) return got.error;
  const { data, time } = got;
  let known: Int32Array | null = null; // places are never renumbered
  return { time, on: covered(data, ...time), drops: data.meta.drops, sums: (keys) => sum(data, { keys, from: 0, to: Infinity }), places: (to) => (known ??= to.adopt(data.places)) };
});

export interface Comparison {
  now: Stretch; before: Stretch; scale: number;
  /** Per place of the dataset. */
  weights: Stretch2; change: Float64Array;
  /** What must be known before the numbers are believed. */
  caveats: string[];
}
interface Stretch2 { now: Float64Array; before: Float64Array }

/** The comparison by place; a sentence where there is none; null where none is wanted. */
export const comparison = computed<Comparison | string | null>(() => {
  const v = stretches.value, d = model.dataset.value, b = before.value, sums = model.sums.value, unit = s.unit.value;
  if (!v || !d || !b || !sums) return null;
  if (typeof b === "string") return b;
  const on = covered(d, ...v.now);
  if (b.on === 0) return `The sensor was off in all of ${span(...b.time, s.zone.value)}: there is nothing to compare with.`;
  if (on === 0) return "The sensor was off in all of this window: there is nothing to compare.";
  const scale = fairScale(on, b.on, 1000 * (d.meta.tick ?? 10)), their = weights(b.sums(model.keys.value), unit), to = b.places(d);
  const now = weights(sums, unit), then = to ? spread(their, to, d.places.n) : their;
  return { now: v.now, before: b.time, scale, weights: { now, before: then }, change: signed(d, now, then, scale), caveats: caveats(v.now, b, on, scale) };
});

/** What each place gained or lost, where two times are compared. */
export const gained = computed<Float64Array | null>(() => {
  const c = comparison.value;
  return c && typeof c !== "string" ? c.change : null;
});

/** Amounts by the numbers of another dictionary, by those of this one. */
function spread(amounts: Float64Array, to: Int32Array, n: number): Float64Array {
  const out = new Float64Array(n);
  amounts.forEach((v, i) => (out[to[i]] += v));
  return out;
}

function caveats(now: Stretch, b: Before, on: number, scale: number): string[] {
  const out: string[] = [];
  if (now[0] < b.time[1] && b.time[0] < now[1]) out.push("The two overlap: what lies in both has not changed.");
  if (scale !== 1) out.push(`The sensor was on for ${duration(on)} of this, and ${duration(b.on)} of the other: the change is at equal rates.`);
  if (b.drops > 0) out.push("The kernel dropped packets in the other window, too.");
  return out;
}

/** The list of changes for a tab. */
export interface Changes { items: Change[]; message?: string }

const remote = signal<{ tab: s.Tab; items: Change[]; error?: string; cut?: boolean } | null>(null);

export const changes = computed<Changes>(() => {
  const c = comparison.value, d = model.dataset.value, tab = s.tab.value;
  if (!c || !d) return { items: [] };
  if (typeof c === "string") return { items: [], message: c };
  if (tab === "place") return { items: toldApart(sorted(placeChanges(d, c.weights.now, c.weights.before, c.scale))) };
  if (tab === "country") return { items: sorted(countryChanges(d, c.weights.now, c.weights.before, c.scale)) };
  if (!model.live.value) return { items: [], message: "This file keeps no times for these: ask the sensor." };
  const r = remote.value;
  if (!r || r.tab !== tab) return { items: [], message: "Asking the sensor …" };
  return { items: r.items, message: r.error ?? (r.cut ? `Only the ${mostAsked.toLocaleString("en")} largest of each window are compared.` : undefined) };
});

const iso = (t: number) => new Date(t).toISOString();

type Top = Required<Pick<TopAnswer, "rows" | "count">>;

async function top(by: string, [from, to]: Stretch): Promise<Top> {
  const filter = sensorFilter(), a = await json<TopAnswer>("top", { by, n: String(mostAsked), from: iso(from), to: iso(to), ...(filter && { filter }) });
  return { rows: a.rows, count: a.count ?? a.rows.length };
}

/** Two answers as changes. What only one of two lists that were cut has is left out: the other may have it. */
export function joined(by: string, now: Top, then: Top, unit: "packets" | "bytes", scale: number, d: Dataset | null): Change[] {
  const id = (r: Row) => `${r.proto ?? ""}/${r.key}`;
  const was = new Map(then.rows.map((r) => [id(r), r])), cut = [now, then].map((t) => t.count > t.rows.length);
  const out: Change[] = [];
  const add = (r: Row, a: number, b: number) => {
    const { key, label, note, labels, place } = itemOf(by, r, d);
    out.push(change({ key, label, note, labels, place, now: a, before: b }, scale));
  };
  for (const r of now.rows) {
    const b = was.get(id(r));
    was.delete(id(r));
    if (b || !cut[1]) add(r, r[unit], b?.[unit] ?? 0);
  }
  if (!cut[0]) for (const r of was.values()) add(r, 0, r[unit]);
  return sorted(out);
}

/** Live: asks for the other stretch, and again once the window has moved by a sixtieth. */
export function follow(): void {
  let mine = 0, gone: AbortController | null = null;
  effect(() => {
    const v = stretches.value, filter = asked();
    if (!v || !model.live.value) return;
    const had = fetched.peek();
    if (had && "time" in had && had.filter === filter && near(had.time, v.before)) return;
    const now = ++mine;
    gone?.abort();
    gone = new AbortController();
    if (!had || "error" in had || had.filter !== filter || had.time[1] - had.time[0] !== v.before[1] - v.before[0]) fetched.value = null;
    // Steps are not needed: a day is more than most windows, and divides into none.
    cells({ from: iso(v.before[0]), to: iso(v.before[1]), step: "86400", ...(filter && { filter }) }, gone.signal).then(
      (c) => now === mine && (fetched.value = { time: v.before, filter, data: new Dataset(c) }),
      (e: Error) => now === mine && e.name !== "AbortError" && (fetched.value = { error: e.message }),
    );
  });
  let timer = 0, list = 0;
  effect(() => {
    const c = comparison.value, tab = s.tab.value, by = dimensionOf[tab], unit = s.unit.value;
    sensorFilter(); // read, so that its changes ask again
    clearTimeout(timer);
    if (!c || typeof c === "string" || tab === "place" || tab === "country" || !model.live.value) return;
    timer = setTimeout(() => {
      const now = ++list;
      Promise.all([top(by, c.now), top(by, c.before)]).then(
        ([a, b]) => now === list && (remote.value = { tab, items: joined(by, a, b, unit, c.scale, model.dataset.peek()), cut: a.count > a.rows.length || b.count > b.rows.length }),
        (e: Error) => now === list && (remote.value = { tab, items: [], error: e.message }),
      );
    }, 150) as unknown as number;
  });
}

/** Is an answer about nearly the stretch that is meant: as long, and moved by less than a sixtieth? */
function near(a: Stretch, b: Stretch): boolean {
  const length = b[1] - b[0];
  return a[1] - a[0] === length && Math.abs(a[0] - b[0]) * 60 < length;
}
