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

export interface Grid { width: number; height: number; cell: number; values: Float32Array; scratch: Float32Array }

/** Returns an empty grid for so many CSS pixels; reuses the old one where it fits. */
export function newGrid(width: number, height: number, old?: Grid, size = cell): Grid {
  const w = Math.ceil(width / size), h = Math.ceil(height / size);
  if (old && old.width === w && old.height === h && old.cell === size) {
    old.values.fill(0);
    return old;
  }
  return { width: w, height: h, cell: size, values: new Float32Array(w * h), scratch: new Float32Array(w * h) };
}

/** Adds one place's amount at a CSS pixel; outside the grid it is nothing. */
export function add(g: Grid, x: number, y: number, weight: number): void {
  const i = Math.floor(x / g.cell), j = Math.floor(y / g.cell);
  if (i >= 0 && j >= 0 && i < g.width && j < g.height) g.values[j * g.width + i] += weight;
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
}

function makeKernel(s: number): Float32Array {
  const half = Math.ceil(s * reach);
  const k = new Float32Array(half + 1);
  for (let i = 0; i <= half; i++) k[i] = Math.exp(-(i * i) / (2 * s * s));
  return k;
}

/** Spreads the grid by sigma CSS pixels: rows, then columns. Empty cells cost nothing. */
export function blur(g: Grid, sigma: number): void {
  const { width: w, height: h, values, scratch } = g, kernel = makeKernel(sigma / g.cell);
  const half = kernel.length - 1;
  scratch.fill(0);
  for (let j = 0; j < h; j++) {
    const row = j * w;
    for (let i = 0; i < w; i++) {
      const v = values[row + i];
      if (v === 0) continue;
      const from = Math.max(0, i - half), to = Math.min(w - 1, i + half);
      for (let k = from; k <= to; k++) scratch[row + k] += v * kernel[k < i ? i - k : k - i];
    }
  }
  values.fill(0);
  for (let j = 0; j < h; j++) {
    const from = Math.max(0, j - half), to = Math.min(h - 1, j + half);
    // Runs of what is not empty: on a map of the world they are a tenth of it.
    for (let end = j * w, stop = end + w; end < stop; ) {
      let first = end;
      while (first < stop && scratch[first] === 0) first++;
      end = first;
      while (end < stop && scratch[end] !== 0) end++;
      for (let k = from; k <= to && first < end; k++) {
        const f = kernel[k < j ? j - k : k - j], shift = (k - j) * w;
        for (let i = first; i < end; i++) values[i + shift] += scratch[i] * f;
      }
    }
  }
}

export function strongest({ values }: Grid): number {
  let max = 0;
  for (let i = 0; i < values.length; i++) if (values[i] > max) max = values[i];
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
  for (let i = 0, p = 0; i < values.length; i++, p += 4) {
    const v = values[i];
    if (v <= floor) {
      out[p + 3] = 0;
      continue;
    }
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
}
