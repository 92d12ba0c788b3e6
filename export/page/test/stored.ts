// A sensor in small: what it has stored, and its answers about stretches of it.
import type { Columns, Span } from "../src/codec";

export const start = Date.UTC(2026, 10, 17, 14);
export const time = (s: number) => new Date(start + 1000 * s).toISOString();

/** What a sensor has stored: one point a place and second. Packets are never what their place's number is, so that a mixture shows. */
export interface Stored { second: number; place: number; packets: number }

/** The sensor's answer about seconds from to to, in bins of step seconds. Columns of places come in an order of their own. */
export function answer(stored: Stored[], from: number, to: number, step: number, spans: Span[] = []): Columns {
  const rows = stored.filter((p) => p.second >= from && p.second < to), places = [...new Set(rows.map((p) => p.place))].reverse();
  const of = (f: (p: Stored) => number) => Float64Array.from(rows, f);
  return {
    meta: {
      version: "", sensor: "gw1", from: time(from), to: time(to), start: time(from), step, drops: spans.reduce((n, x) => n + (x.drops ?? 0), 0), coverage: spans,
      totals: { packets: 0, bytes: 0, twoPublic: 0, points: rows.length, located: 0, unlocated: 0 },
    },
    places: {
      n: places.length, lat: Float64Array.from(places), lon: Float64Array.from(places), located: Uint8Array.from(places, () => 1), precision: new Uint8Array(places.length),
      country: places.map(() => "DE"), region: places.map(() => ""), city: places.map((p) => `city ${p}`), accuracy: new Float64Array(places.length),
    },
    rows: {
      n: rows.length, place: Uint32Array.from(rows, (p) => places.indexOf(p.place)), key: new Uint8Array(rows.length), bin: Uint32Array.from(rows, (p) => Math.floor((p.second - from) / step)),
      packets: of((p) => p.packets), bytes: of((p) => 100 * p.packets), opens: of(() => 0),
    },
    details: {
      n: 0, place: new Uint32Array(), kind: new Uint8Array(), key: new Uint8Array(), name: [], number: new Float64Array(), packets: new Float64Array(),
      bytes: new Float64Array(), opens: new Float64Array(), first: new Float64Array(), last: new Float64Array(), labels: new Float64Array(),
    },
  };
}
