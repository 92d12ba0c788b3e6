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

/** Every place counts. To ask such a mask, too, is one kind of work for the browser instead of two: the first filter need not be compiled anew. */
export const everywhere = (n: number): Uint8Array => new Uint8Array(n).fill(1);

export interface Sums {
  /** Per place, in and out. */
  packets: [Float64Array, Float64Array];
  bytes: [Float64Array, Float64Array];
  opens: Float64Array;
  /** Over everything selected. */
  totalPackets: number;
  totalBytes: number;
  unlocated: number; // packets without even a country
  coarse: number; // packets of which the country is all that is known
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
  const inPackets = series.packets, inBytes = series.bytes;
  const { keys, from, to, places = everywhere(n) } = s;
  const { place, key, bin: when, packets, bytes, opens: opened } = rows;
  // Rows come in runs of one place and key (ticks that joined later in shorter
  // ones): what is left out is skipped as a run, what counts is added up in locals.
  for (let i = 0, end = rows.n; i < end; ) {
    const k = key[i], p = place[i];
    let j = i + 1;
    while (j < end && place[j] === p && key[j] === k) j++;
    if (!((keys >> k) & 1) || !places[p]) {
      i = j;
      continue;
    }
    let np = 0, nb = 0, no = 0;
    for (; i < j; i++) {
      const b = when[i], x = packets[i], y = bytes[i];
      if (b < bins) {
        inPackets[b] += x;
        inBytes[b] += y;
      }
      if (b < from || b >= to) continue;
      np += x;
      nb += y;
      no += opened[i];
    }
    if (k & 1) {
      pout[p] += np;
      bout[p] += nb;
    } else {
      pin[p] += np;
      bin[p] += nb;
    }
    opens[p] += no;
  }
  return finish(d, [pin, pout], [bin, bout], opens, series);
}

/** Adds up what sums per place come to; the arrays are kept. */
export function finish(d: Dataset, packets: Sums["packets"], bytes: Sums["bytes"], opens: Float64Array, series: Sums["series"]): Sums {
  const out: Sums = { packets, bytes, opens, totalPackets: 0, totalBytes: 0, unlocated: 0, coarse: 0, countries: 0, active: 0, series };
  const seen = new Set<string>(), { country, located } = d.places;
  for (let p = 0, last = ""; p < opens.length; p++) {
    const all = packets[0][p] + packets[1][p];
    if (all === 0) continue;
    out.active++;
    out.totalPackets += all;
    out.totalBytes += bytes[0][p] + bytes[1][p];
    const code = country[p];
    if (!located[p]) code ? (out.coarse += all) : (out.unlocated += all);
    if (code && code !== last) seen.add((last = code)); // places of a country mostly follow each other
  }
  out.countries = seen.size;
  return out;
}

/** The packets of the whole window of which no more than the country is known. */
export function knownCoarsely(d: Dataset): number {
  const [from, to] = d.bins(), { n, place, bin, packets } = d.rows, { located, country } = d.places;
  let sum = 0;
  for (let i = 0; i < n; i++) if (!located[place[i]] && country[place[i]] && bin[i] >= from && bin[i] < to) sum += packets[i];
  return sum;
}

/** One number per place: what the map is weighted by. */
export function weights(s: Sums, unit: Unit): Float64Array {
  const [a, b] = s[unit];
  const out = new Float64Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = a[i] + b[i];
  return out;
}

/** Indexes of what is above zero, heaviest first, to a thousandth: sorted as plain numbers, which is quick. */
export function heaviest(weights: Float64Array, n: number, counts: (i: number) => boolean): Uint32Array {
  const keys = new Float64Array(n), room = 2 ** 21; // more places than any database has
  let used = 0;
  for (let i = 0; i < n; i++) if (weights[i] > 0 && counts(i)) keys[used++] = Math.floor(Math.log(weights[i]) * 1024) * room + i;
  const sorted = keys.subarray(0, used).sort(), out = new Uint32Array(used);
  for (let i = 0; i < used; i++) {
    const key = sorted[used - 1 - i];
    out[i] = key - Math.floor(key / room) * room;
  }
  return out;
}

/** The first n of a list by size, largest first, without sorting all of it. */
export function top<T>(items: T[], n: number, size: (t: T) => number): T[] {
  if (items.length > 4 * n) {
    const sizes = new Float64Array(items.length);
    for (let i = 0; i < sizes.length; i++) sizes[i] = size(items[i]);
    sizes.sort();
    const least = sizes[sizes.length - n];
    items = items.filter((t) => size(t) >= least);
  }
  return items.sort((a, b) => size(b) - size(a)).slice(0, n);
}
