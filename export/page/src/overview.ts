// The course of all there is, for the strip above the window's: live, the sensor is
// asked; a saved file knows.

import { computed, effect, signal } from "@preact/signals";
import { json } from "./api";
import type { Span } from "./codec";
import type { Dataset } from "./dataset";
import { asked } from "./live";
import * as model from "./model";
import * as s from "./state";
import type { Unit } from "./sums";

export interface Course {
  from: number; to: number; // ms
  step: number; // ms
  /** Per step. */
  packets: Float64Array; bytes: Float64Array;
  spans: Span[];
}

interface Bin { time: string; packets: number; bytes: number }
export interface Answer { window: { from?: string; to?: string }; step: number; bins: Bin[]; spans?: Span[] | null }

/** An answer as columns: bins of one time, which are of several protocols, add up. */
export function courseOf(a: Answer): Course | null {
  if (!a.window.from || !a.window.to) return null; // nothing is stored
  const step = 1000 * a.step, from = Math.floor(Date.parse(a.window.from) / step) * step, to = Date.parse(a.window.to);
  const n = Math.max(1, Math.ceil((to - from) / step)), packets = new Float64Array(n), bytes = new Float64Array(n);
  for (const b of a.bins) {
    const i = Math.floor((Date.parse(b.time) - from) / step);
    if (i < 0 || i >= n) continue;
    packets[i] += b.packets;
    bytes[i] += b.bytes;
  }
  return { from, to, step, packets, bytes, spans: a.spans ?? [] };
}

const asking = signal<Course | null>(null);

/** All there is; null while that is not known. */
export const course = computed<Course | null>(() => {
  model.revision.value;
  const d = model.dataset.value, series = model.sums.value?.series, asked = asking.value;
  if (model.live.value) return asked && d && extended(asked, d);
  return d && series ? { from: d.from, to: d.to, step: d.step, packets: series.packets, bytes: series.bytes, spans: d.meta.coverage ?? [] } : null;
});

/** With what has come since it was asked for, as far as the window knows. */
function extended(c: Course, d: Dataset): Course {
  if (d.to <= c.to) return c;
  const time = (t: number) => new Date(t).toISOString();
  const since = (d.meta.coverage ?? []).filter((x) => Date.parse(x.to) > c.to).map((x) => ({ ...x, from: time(Math.max(c.to, Date.parse(x.from))) }));
  return { ...c, to: d.to, spans: [...c.spans, ...since] };
}

/** The gaps, ms: not the tick that is still open. */
export function gapsOf(c: Course, tick: number): [number, number][] {
  return c.spans.filter((x) => x.state === "off").map((x): [number, number] => [Date.parse(x.from), Date.parse(x.to)]).filter(([from, to]) => to < c.to || from < c.to - 3 * tick);
}

/** The window that is shown, ms. */
export const shown = computed<[number, number]>(() => {
  model.revision.value;
  const d = model.dataset.value, [a, b] = model.windowBins.value;
  if (!d) return [0, 0];
  return model.partly.value ? [d.timeOf(a), d.timeOf(b)] : [d.from, d.to];
});

/** Is there more than what is shown? Otherwise the strip would say the same twice. */
export const worthwhile = computed(() => {
  const c = course.value, [from, to] = shown.value;
  return !!c && (c.to - c.from > 1.2 * (to - from) || (s.fixed.value !== null && (from > c.from || to < c.to)));
});

/** Amounts of the strip in so many columns: the most of any step in each, which a mean would hide. */
export function columns(c: Course, unit: Unit, n: number): Float64Array {
  const out = new Float64Array(n), values = c[unit], span = c.to - c.from;
  for (let i = 0; i < values.length; i++) {
    const a = Math.floor((i * c.step * n) / span), b = Math.max(a + 1, Math.ceil(((i + 1) * c.step * n) / span));
    for (let x = Math.max(0, a); x < Math.min(n, b); x++) if (values[i] > out[x]) out[x] = values[i];
  }
  return out;
}

/** A window as long as it was, moved to begin at a time, within what there is. */
export function moved(c: Course, [from, to]: [number, number], begin: number): [number, number] {
  const length = Math.min(to - from, c.to - c.from), at = Math.max(c.from, Math.min(c.to - length, begin));
  return [at, at + length];
}

/** Shorter windows show nothing that more time would not show better. */
const shortest = 60_000;

/** A window between two times of the strip, whichever is first: of whole ticks, not too short. */
export function between(c: Course, a: number, b: number, tick: number): [number, number] {
  const from = Math.floor(Math.max(c.from, Math.min(a, b)) / tick) * tick, to = Math.ceil(Math.min(c.to, Math.max(a, b)) / tick) * tick;
  return to - from >= shortest ? [from, to] : [from, from + shortest];
}

/** Live: asks at first, on another filter, and once a step or a minute has passed. */
export function follow(): void {
  let mine = 0, last = "", when = 0;
  effect(() => {
    model.revision.value;
    const filter = asked(), d = model.dataset.value;
    if (!d || !model.live.value) return;
    const had = asking.peek(), wait = had && d.from >= had.from ? Math.max(60_000, Math.min(600_000, had.step)) : 5000;
    if (filter === last && Date.now() - when < wait) return;
    last = filter;
    when = Date.now();
    const now = ++mine;
    // A strip that cannot be had is left as it was: the window's own question tells what is wrong.
    json<Answer>("series", filter ? { filter } : {}).then((a) => now === mine && (asking.value = courseOf(a)), () => {});
  });
}
