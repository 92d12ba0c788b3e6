// Which places are under a pointer or in a rectangle of the screen.

import type { Places } from "../codec";
import { countryName } from "../format";
import type { Rect } from "./labels";
import type { Spots } from "./spots";

/** The heaviest place within reach of a pixel, with nearer ones preferred; -1 if none is. */
export function nearest(spots: Spots, order: ArrayLike<number>, weights: Float64Array, marked: boolean, x: number, y: number, reach: number): number {
  let best = -1, score = 0;
  for (let k = 0; k < order.length; k++) {
    const i = order[k], d = Math.hypot(spots.x[i] - x, spots.y[i] - y);
    if (!(d <= reach)) continue;
    // A mark is aimed at; in a glow, the heavy ones are meant.
    const s = (1 - d / (reach * 1.2)) * (marked ? 1 : 2 + Math.log(1 + Math.abs(weights[i])));
    if (s > score) (score = s), (best = i);
  }
  return best;
}

/** The places of an order that are in a rectangle. */
export function inside(spots: Spots, order: ArrayLike<number>, r: Rect): number[] {
  const out: number[] = [], { x, y } = spots;
  for (let k = 0; k < order.length; k++) {
    const i = order[k];
    if (x[i] > r.x && x[i] < r.x + r.w && y[i] > r.y && y[i] < r.y + r.h) out.push(i);
  }
  return out;
}

/** How much of a rectangle glows, of its squares of 8 pixels. */
export function glowing(heat: { near(x: number, y: number): number }, r: Rect, least: number): number {
  let n = 0;
  for (let y = r.y + 4; y < r.y + r.h; y += 8) for (let x = r.x + 4; x < r.x + r.w; x += 8) if (Math.abs(heat.near(x, y)) > least) n++;
  return n;
}

/** What a screen reader hears of a map of places, heaviest first. */
export function described(p: Places | undefined, order: Uint32Array): string {
  if (!p || order.length === 0) return "World map, nothing on it.";
  const names = Array.from(order.slice(0, 5), (i) => p.city[i] || countryName(p.country[i]));
  return `World map of ${order.length} places. Heaviest: ${names.join(", ")}. The list beside it says the same in text.`;
}
