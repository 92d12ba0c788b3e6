// Columns of whole numbers, as narrow as the largest of them lets them be: a million
// rows take about 12 MB this way, and 33 in columns of eight and four bytes.
//
// There are four kinds of them on purpose. V8 compiles what reads an array for each
// kind that it has seen there, up to four, and reads in a general way beyond that. Sums
// by code that has seen all four were measured to be as quick as by code that saw one.

/** Whole numbers from 0 to 2^53 - 1. What is summed over them belongs in a Float64Array. */
export type Whole = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** The largest number that a column can take. */
export function limit(a: Whole): number {
  return a instanceof Float64Array ? Number.MAX_SAFE_INTEGER : 2 ** (8 * a.BYTES_PER_ELEMENT) - 1;
}

/** A column of n zeros that can take numbers up to most. */
export function zeros(n: number, most: number): Whole {
  if (most < 2 ** 8) return new Uint8Array(n);
  if (most < 2 ** 16) return new Uint16Array(n);
  return most < 2 ** 32 ? new Uint32Array(n) : new Float64Array(n);
}

/** The largest of the first n numbers of a column; 0 of none. */
export function largest(a: Whole, n = a.length): number {
  let most = 0;
  for (let i = 0; i < n; i++) if (a[i] > most) most = a[i];
  return most;
}

/**
 * A column with room for need numbers up to most: itself if it has that already, else
 * a copy, never of a narrower kind. It grows by a quarter, so that a window that is
 * kept live holds little more than its rows.
 */
export function roomy(a: Whole, need: number, most: number): Whole {
  const enough = a.length >= need;
  if (enough && most <= limit(a)) return a;
  const out = zeros(enough ? a.length : Math.max(need, a.length + (a.length >> 2), 64), Math.max(most, limit(a)));
  out.set(a);
  return out;
}
