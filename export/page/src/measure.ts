// What the map is weighed by: the unit of the page, bits a second, or how many
// addresses are behind a place. The last is counted from the addresses a file
// carries, or asked of the sensor; what cannot be known is said.

import { computed, effect, signal } from "@preact/signals";
import { json } from "./api";
import { kinds, type Details } from "./codec";
import { coordinates, type Dataset } from "./dataset";
import { amount } from "./format";
import { shownQuery } from "./lists";
import * as model from "./model";
import * as s from "./state";

export type Measure = "packets" | "bytes" | "bits" | "addresses";

/** Half-discs show traffic: addresses have no direction of their own. */
export const measure = computed<Measure>(() => {
  if (s.by.value === "addresses" && !s.split.value && !s.compare.value) return "addresses";
  return s.by.value === "rate" && s.unit.value === "bytes" ? "bits" : s.unit.value;
});

export const measureNames: Record<Measure, string> = { packets: "packets", bytes: "bytes", bits: "bits per second", addresses: "addresses" };

/** A number of a measure, as people read it. */
export function say(n: number, m: Measure): string {
  if (m === "bits") return amount(n, "bytes").replace(/B$/, "bit/s");
  return amount(n, m === "bytes" ? "bytes" : "packets");
}

/** What the sensor said of addresses at places, by LAT,LON. */
const counted = signal<{ at: Map<string, number>; cut: boolean; error?: string } | null>(null);

/** Seconds of the selected time in which the sensor ran. */
const seconds = computed(() => {
  const d = model.dataset.value;
  model.revision.value;
  if (!d) return 1;
  const [from, to] = model.selectedTime.value;
  const off = d.gaps().reduce((n, [a, b]) => n + Math.max(0, Math.min(b, to) - Math.max(a, from)), 0);
  return Math.max(1, (to - from - off) / 1000);
});

const scaled = (w: Float64Array, f: number) => w.map((v) => v * f);

/** One number per place, what the scale is fitted to, and what one of the unit is of the measure. */
export interface Weighing { weights: Float64Array; over: Float64Array; rate: number; note: string }

export const weighing = computed<Weighing>(() => {
  model.revision.value;
  const weights = model.weights.value, over = model.scaleWeights.value, d = model.dataset.value, m = measure.value;
  if (m === "bits") {
    const f = 8 / seconds.value;
    return { weights: scaled(weights, f), over: over === weights ? scaled(weights, f) : scaled(over, f), rate: f, note: "" };
  }
  if (m !== "addresses" || !d) return { weights, over, rate: 1, note: "" };
  const { count, note } = addresses(d);
  return { weights: count, over: count, rate: 1, note };
});

function addresses(d: Dataset): { count: Float64Array; note: string } {
  if (model.live.value) {
    const c = counted.value;
    if (!c) return { count: new Float64Array(d.places.n), note: "Asking the sensor …" };
    return { count: spread(d, c.at), note: c.error ?? (c.cut ? "Of the 10,000 heaviest places." : d.places.precision.includes(3) ? "Not counted where only the country is known." : "") };
  }
  if (d.details.n === 0) return { count: new Float64Array(d.places.n), note: "This file carries no addresses: ask the sensor, or export with --detail addresses." };
  const q = model.question.value, count = distinct(d.details, d.places.n, model.keys.value, q.places);
  return { count, note: d.meta.detail === "full" ? "" : "Of the addresses that this file carries." };
}

/** How many addresses of a file's details are at each place. */
export function distinct(t: Details, places: number, keys: number, only?: Uint8Array): Float64Array {
  const count = new Float64Array(places), seen = new Set<string>();
  for (let i = 0; i < t.n; i++) {
    const p = t.place[i];
    if (t.kind[i] !== kinds.address || !((keys >> t.key[i]) & 1) || (only && !only[p])) continue;
    const id = `${p} ${t.name[i]}`;
    if (seen.has(id)) continue;
    seen.add(id);
    count[p]++;
  }
  return count;
}

/** Gives the first place at a coordinate what was counted there. */
function spread(d: Dataset, at: Map<string, number>): Float64Array {
  const count = new Float64Array(d.places.n), left = new Map(at);
  for (let i = 0; i < d.places.n; i++) {
    const key = d.places.located[i] ? coordinates(d.places, i) : "", n = left.get(key);
    if (n === undefined) continue;
    count[i] = n;
    left.delete(key);
  }
  return count;
}

interface Answer { rows: { key: string; addresses?: number }[]; count: number }

/** Asks the sensor how many addresses are where, whenever the question or the data is another. */
export function follow(): void {
  let mine = 0, timer = 0;
  effect(() => {
    model.revision.value;
    if (!model.live.value || measure.value !== "addresses" || !model.dataset.value) return;
    const query = { by: "place", n: "10000", ...shownQuery() }, asked = ++mine;
    clearTimeout(timer);
    timer = setTimeout(() => {
      json<Answer>("top", query).then(
        (a) => asked === mine && (counted.value = { at: new Map(a.rows.filter((r) => r.key).map((r) => [r.key, r.addresses ?? 0])), cut: a.count > a.rows.length }),
        (e: Error) => asked === mine && (counted.value = { at: new Map(), cut: false, error: e.message }),
      );
    }, 150) as unknown as number;
  });
}
