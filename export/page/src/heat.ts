// The heat: a grid of amounts, spread by a Gaussian whose peak is one, so that a
// lone place reads its own number and neighbours add up; then coloured by the
// logarithm. No WebGL: this runs wherever there is a canvas.

import type { Ramp } from "./ramp";
import type { Scale } from "./scale";

/** CSS pixels a grid cell: two are invisible after smoothing; while the map moves, four must do. */
export const cell = 2, coarse = 4;

/** CSS pixels of one standard deviation: smaller where the map is. */
export function sigmaFor(width: number): number {
  return Math.max(2.6, Math.min(5, (4.2 * width) / 960));
}

/** Where a strong spot's skirt ends: exp(-x²/2) is then below a millionth. */
const reach = 5.3;

/** Below the low limit heat fades out, over this factor. */
const fade = 6;

/** How much of the map shows through the weakest and the strongest heat. */
const alphaLow = 0.62, alphaHigh = 0.97;

/** Each row is in so many parts: what is empty of a map of the world, most of it, is passed over by the part. */
const parts = 32;

export interface Grid {
  width: number; height: number; cell: number; values: Float32Array; scratch: Float32Array;
  /** For each row, a bit for each part: may anything be in it? */
  used: Int32Array;
  part: number; // columns of one
}

/** Returns an empty grid for so many CSS pixels; reuses the old one where it fits. */
export function newGrid(width: number, height: number, old?: Grid, size = cell): Grid {
  const w = Math.ceil(width / size), h = Math.ceil(height / size);
  if (old && old.width === w && old.height === h && old.cell === size) {
    old.values.fill(0);
    old.used.fill(0);
    return old;
  }
  return { width: w, height: h, cell: size, values: new Float32Array(w * h), scratch: new Float32Array(w * h), used: new Int32Array(h), part: Math.ceil(w / parts) };
}

/** Adds one place's amount at a CSS pixel; outside the grid it is nothing. */
export function add(g: Grid, x: number, y: number, weight: number): void {
  const i = Math.floor(x / g.cell), j = Math.floor(y / g.cell);
  if (!(i >= 0 && j >= 0 && i < g.width && j < g.height)) return;
  g.values[j * g.width + i] += weight;
  g.used[j] |= bits(g, i, i);
}

/** The parts that columns are in, first and last included. */
function bits({ part }: Grid, first: number, last: number): number {
  const a = (first / part) | 0, b = (last / part) | 0;
  return (-1 << a) & (-1 >>> (31 - b));
}

/** Goes through the stretches of cells in which anything may be, as indexes from first up to end. */
function stretches({ width, height, used, part }: Grid, each: (first: number, end: number) => void): void {
  for (let j = 0; j < height; j++) {
    for (let left = used[j], p = 0; left !== 0; left >>>= 1, p++) {
      if (!(left & 1)) continue;
      const from = p;
      for (; (left >>> 1) & 1; left >>>= 1) p++;
      each(j * width + from * part, j * width + Math.min(width, (p + 1) * part));
    }
  }
}

/**
 * Adds one place's amount to the four cells around a CSS pixel: spots then glide
 * with a map that moves instead of jumping from cell to cell. What a lone place
 * reads is a little less, which is why it is not how a map at rest is drawn.
 */
export function addSmoothly(g: Grid, x: number, y: number, weight: number): void {
  const u = x / g.cell - 0.5, v = y / g.cell - 0.5, i = Math.floor(u), j = Math.floor(v);
  if (!(i >= 0 && j >= 0 && i + 1 < g.width && j + 1 < g.height)) return;
  const fx = u - i, fy = v - j, at = j * g.width + i;
  g.values[at] += weight * (1 - fx) * (1 - fy);
  g.values[at + 1] += weight * fx * (1 - fy);
  g.values[at + g.width] += weight * (1 - fx) * fy;
  g.values[at + g.width + 1] += weight * fx * fy;
  const b = bits(g, i, i + 1);
  g.used[j] |= b;
  g.used[j + 1] |= b;
}

function makeKernel(s: number): Float32Array {
  const half = Math.ceil(s * reach);
  const k = new Float32Array(half + 1);
  for (let i = 0; i <= half; i++) k[i] = Math.exp(-(i * i) / (2 * s * s));
  return k;
}

/** Spreads the grid by sigma CSS pixels: rows, then columns. Empty cells cost nothing. */
export function blur(g: Grid, sigma: number): void {
  const { width: w, height: h, values, scratch, used } = g, kernel = makeKernel(sigma / g.cell);
  const half = kernel.length - 1, wide = new Int32Array(h);
  scratch.fill(0);
  stretches(g, (first, end) => {
    const j = Math.floor(first / w), row = j * w;
    for (let at = first; at < end; at++) {
      const v = values[at];
      if (v === 0) continue;
      const i = at - row, from = Math.max(0, i - half), to = Math.min(w - 1, i + half);
      for (let k = from; k <= to; k++) scratch[row + k] += v * kernel[k < i ? i - k : k - i];
      wide[j] |= bits(g, from, to);
    }
  });
  values.fill(0);
  used.set(wide);
  stretches(g, (start, stop) => {
    const j = Math.floor(start / w), from = Math.max(0, j - half), to = Math.min(h - 1, j + half);
    for (let end = start; end < stop; ) { // runs of what is not empty
      let first = end;
      while (first < stop && scratch[first] === 0) first++;
      end = first;
      while (end < stop && scratch[end] !== 0) end++;
      for (let k = from; k <= to && first < end; k++) {
        const f = kernel[k < j ? j - k : k - j], shift = (k - j) * w;
        for (let i = first; i < end; i++) values[i + shift] += scratch[i] * f;
      }
    }
  });
  for (let j = 0; j < h; j++) if (wide[j]) for (let k = Math.max(0, j - half), to = Math.min(h - 1, j + half); k <= to; k++) used[k] |= wide[j];
}

export function strongest(g: Grid): number {
  const { values } = g;
  let max = 0;
  stretches(g, (first, end) => {
    for (let i = first; i < end; i++) if (values[i] > max) max = values[i];
  });
  return max;
}

/** The amount near a CSS pixel, as the legend means it. */
export function at(g: Grid, x: number, y: number): number {
  const i = Math.floor(x / g.cell), j = Math.floor(y / g.cell);
  return i >= 0 && j >= 0 && i < g.width && j < g.height ? g.values[j * g.width + i] : 0;
}

/** Colours the grid into pixels of the same size. */
export function colour(g: Grid, s: Scale, table: Ramp, out: Uint8ClampedArray): void {
  const { values } = g;
  const per = 255 / Math.log(s.high / s.low), logLow = Math.log(s.low), floor = s.low / fade;
  const perFade = 1 / Math.log(fade);
  out.fill(0);
  stretches(g, (first, end) => {
    for (let i = first, p = 4 * first; i < end; i++, p += 4) {
      const v = values[i];
      if (v <= floor) continue;
      const log = Math.log(v) - logLow;
      let t = (log * per) | 0;
      if (t > 255) t = 255;
      const a = log < 0 ? alphaLow * (1 + log * perFade) : alphaLow + (alphaHigh - alphaLow) * Math.min(1, (2 * t) / 255);
      if (t < 0) t = 0;
      out[p] = table[4 * t];
      out[p + 1] = table[4 * t + 1];
      out[p + 2] = table[4 * t + 2];
      out[p + 3] = 255 * a;
    }
  });
}
