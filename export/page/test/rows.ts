// Data for tests that are about amounts and times, not about the file format.

import type { Meta, Span } from "../src/codec";
import { Dataset } from "../src/dataset";

export interface Row { place: number; key: number; bin: number; packets: number; bytes?: number; opens?: number }

export const start = Date.UTC(2026, 10, 17, 14);
const iso = (t: number) => new Date(t).toISOString();

/** A dataset of these rows: places are numbers, a letter being the city, every other one in Germany. */
export function dataOf(rows: Row[], { bins = 60, step = 10, places = 4, from = start, coverage = [] as Span[] } = {}): Dataset {
  const sorted = [...rows].sort((a, b) => a.place - b.place || a.key - b.key || a.bin - b.bin);
  const each = (f: (i: number) => number) => Float64Array.from({ length: places }, (_, i) => f(i));
  const of = (f: (r: Row) => number) => Float64Array.from(sorted, f);
  const meta: Meta = {
    version: "test", sensor: "gw1", from: iso(from), to: iso(from + 1000 * step * bins), start: iso(from), step, tick: step, coverage,
    totals: { packets: 0, bytes: 0, twoPublic: 0, points: 0, located: 0, unlocated: 0 }, drops: 0,
  };
  const none = new Float64Array(0);
  return new Dataset({
    meta,
    places: {
      n: places, lat: each((i) => 10 * i), lon: each((i) => 20 * i), accuracy: each(() => 0), located: new Uint8Array(places).fill(1), precision: new Uint8Array(places).fill(1),
      country: Array.from({ length: places }, (_, i) => (i % 2 ? "FR" : "DE")), region: Array(places).fill(""), city: Array.from({ length: places }, (_, i) => String.fromCharCode(65 + i)),
    },
    rows: {
      n: rows.length, place: Uint32Array.from(sorted, (r) => r.place), key: Uint8Array.from(sorted, (r) => r.key), bin: Uint32Array.from(sorted, (r) => r.bin),
      packets: of((r) => r.packets), bytes: of((r) => r.bytes ?? 100 * r.packets), opens: of((r) => r.opens ?? 0),
    },
    details: { n: 0, place: new Uint32Array(0), kind: new Uint8Array(0), key: new Uint8Array(0), name: [], number: none, packets: none, bytes: none, opens: none, first: none, last: none, labels: none },
  });
}

/** A stretch of coverage, in bins of so many seconds. */
export function span(from: number, to: number, state: Span["state"], step = 10): Span {
  return { from: iso(start + 1000 * step * from), to: iso(start + 1000 * step * to), state };
}
