// Rows to sums per place, under a selection. This is what every toggle, filter
// and brush runs, so it is one pass over typed arrays.

import type { Dataset } from "./dataset";

export type Unit = "packets" | "bytes";

export interface Selection {
  keys: number; // bit k set: rows with key k (protocol class × 2 + out) count
  from: number; // bins
  to: number;
  places?: Uint8Array; // 0: not this place; longer dictionaries default to 0
}

export interface Sums {
  /** Per place, in and out. */
  packets: [Float64Array, Float64Array];
  bytes: [Float64Array, Float64Array];
  opens: Float64Array;
  /** Over everything selected. */
  totalPackets: number;
  totalBytes: number;
  unlocated: number; // packets without even a country
  countries: number;
  active: number; // places with anything
  /** Per bin, whatever the brush: packets and bytes under keys and places. */
  series: { packets: Float64Array; bytes: Float64Array };
}

export function sum(d: Dataset, s: Selection): Sums {
  const n = d.places.n, rows = d.rows;
  const pin = new Float64Array(n), pout = new Float64Array(n), bin = new Float64Array(n), bout = new Float64Array(n);
  const opens = new Float64Array(n);
  const [, bins] = d.bins();
  const series = { packets: new Float64Array(bins), bytes: new Float64Array(bins) };
  const { keys, from, to, places } = s;
  const { place, key, bin: when, packets, bytes, opens: opened } = rows;
  for (let i = 0, end = rows.n; i < end; i++) {
    const k = key[i], p = place[i];
    if (!((keys >> k) & 1) || (places && !places[p])) continue;
    const b = when[i];
    if (b < bins) {
      series.packets[b] += packets[i];
      series.bytes[b] += bytes[i];
    }
    if (b < from || b >= to) continue;
    if (k & 1) {
      pout[p] += packets[i];
      bout[p] += bytes[i];
    } else {
      pin[p] += packets[i];
      bin[p] += bytes[i];
    }
    opens[p] += opened[i];
  }
  const out: Sums = {
    packets: [pin, pout], bytes: [bin, bout], opens,
    totalPackets: 0, totalBytes: 0, unlocated: 0, countries: 0, active: 0, series,
  };
  const seen = new Set<string>();
  for (let p = 0; p < n; p++) {
    const all = pin[p] + pout[p];
    if (all === 0) continue;
    out.active++;
    out.totalPackets += all;
    out.totalBytes += bin[p] + bout[p];
    const country = d.places.country[p];
    if (country) seen.add(country);
    else if (!d.places.located[p]) out.unlocated += all;
  }
  out.countries = seen.size;
  return out;
}

/** One number per place: what the map is weighted by. */
export function weights(s: Sums, unit: Unit): Float64Array {
  const [a, b] = s[unit];
  const out = new Float64Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = a[i] + b[i];
  return out;
}

export interface Item { key: string; label: string; note: string; in: number; out: number; place?: number }

/** The first n of a list by size, largest first, without sorting all of it. */
export function top<T>(items: T[], n: number, size: (t: T) => number): T[] {
  if (items.length > 4 * n) {
    const sizes = Float64Array.from(items, size).sort();
    const least = sizes[sizes.length - n];
    items = items.filter((t) => size(t) >= least);
  }
  return items.sort((a, b) => size(b) - size(a)).slice(0, n);
}
