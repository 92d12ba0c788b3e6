// The course of time of a part of the traffic, for the small pictures in cards.

import type { Dataset } from "./dataset";

/** Sums by bin, in and out, from a first bin on; first and last are those with traffic. */
export interface Course { from: number; step: number; packets: [Float64Array, Float64Array]; bytes: [Float64Array, Float64Array]; first: number; last: number; opens: number }

/** Of rows at some places under some keys, from bin to bin. One pass; runs of other places are skipped. */
export function courseOf(d: Dataset, places: Uint8Array, keys: number, from: number, to: number): Course {
  const n = Math.max(0, to - from), packets: Course["packets"] = [new Float64Array(n), new Float64Array(n)], bytes: Course["bytes"] = [new Float64Array(n), new Float64Array(n)];
  const { n: end, place, key, bin, packets: p, bytes: b, opens: o } = d.rows;
  let first = -1, last = -1, opens = 0;
  for (let i = 0; i < end; i++) {
    const at = bin[i] - from;
    if (!places[place[i]] || !((keys >> key[i]) & 1) || at < 0 || at >= n) continue;
    const out = key[i] & 1;
    packets[out][at] += p[i];
    bytes[out][at] += b[i];
    opens += o[i];
    if (first < 0 || at < first) first = at;
    if (at > last) last = at;
  }
  const time = (at: number) => d.timeOf(from + at);
  return { from: d.timeOf(from), step: d.step, packets, bytes, first: first < 0 ? NaN : time(first), last: first < 0 ? NaN : time(last + 1), opens };
}

/** Bins joined to at most n columns; a column is a whole number of bins. */
export function columns(a: Float64Array, n: number): Float64Array {
  const each = Math.max(1, Math.ceil(a.length / n)), out = new Float64Array(Math.ceil(a.length / each));
  for (let i = 0; i < a.length; i++) out[Math.floor(i / each)] += a[i];
  return out;
}
