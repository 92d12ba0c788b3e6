// Direction mode: a half-disc of what came in at the left, one of what went out at
// the right, their areas the amounts. The right ones are striped, for those who do
// not see colours. No heat: blending would lose which is which.

import { snapDown, type Scale } from "../scale";
import type { Colours } from "./colours";
import { heated, type Spots } from "./spots";

/** In and out of each place. */
export type Split = readonly [Float64Array, Float64Array];

/** Neighbours on the screen taken together, named by the heaviest of them. */
export interface Disc { place: number; x: number; y: number; in: number; out: number; left: number; right: number }

/** Places so near to each other, in pixels, are one disc: else they would hide each other. */
const near = 14;

/** The radius, in pixels, of the scale's high limit. */
export function largest(width: number): number {
  return Math.max(18, Math.min(34, width / 32));
}

/** The radius of an amount: areas are the amounts, and nothing is too small to see. */
export function radiusOf(amount: number, s: Scale, width: number): number {
  return amount > 0 ? Math.max(1.6, largest(width) * Math.sqrt(amount / s.high)) : 0;
}

/** Takes places (the heaviest first) together to discs, the largest first. */
export function clusters(spots: Spots, seen: number[], [into, out]: Split, rate: number, s: Scale, width: number): Disc[] {
  const discs: Disc[] = [], cells = new Map<number, Disc[]>();
  for (const i of seen) {
    if (spots.how[i] !== heated) continue;
    const x = spots.x[i], y = spots.y[i], cx = Math.round(x / near), cy = Math.round(y / near);
    let home: Disc | undefined;
    for (let dx = -1; dx <= 1 && !home; dx++) for (let dy = -1; dy <= 1 && !home; dy++) home = cells.get((cx + dx) * 65536 + cy + dy)?.find((d) => Math.hypot(d.x - x, d.y - y) < near);
    if (!home) {
      home = { place: i, x, y, in: 0, out: 0, left: 0, right: 0 };
      discs.push(home);
      const key = cx * 65536 + cy, cell = cells.get(key);
      if (cell) cell.push(home);
      else cells.set(key, [home]);
    }
    home.in += rate * (into[i] ?? 0);
    home.out += rate * (out[i] ?? 0);
  }
  for (const d of discs) {
    d.left = radiusOf(d.in, s, width);
    d.right = radiusOf(d.out, s, width);
  }
  return discs.sort((a, b) => Math.max(b.left, b.right) - Math.max(a.left, a.right));
}

/** The amounts that a legend shows discs of: the high limit, and about a tenth and a hundredth of it. */
export function samples(s: Scale): number[] {
  return [s.high, snapDown(s.high / 10), snapDown(s.high / 100)];
}

const stripes = new Map<string, HTMLCanvasElement>();

/** A square of diagonal stripes that repeats. */
export function striped(colour: string, line: string, size = 5): HTMLCanvasElement {
  const id = colour + line + size;
  let tile = stripes.get(id);
  if (!tile) {
    tile = document.createElement("canvas");
    tile.width = tile.height = size;
    const ctx = tile.getContext("2d")!;
    ctx.fillStyle = colour;
    if (colour) ctx.fillRect(0, 0, size, size);
    ctx.strokeStyle = line;
    ctx.lineWidth = 1.2;
    ctx.beginPath();
    for (const shift of [-size, 0, size]) {
      ctx.moveTo(shift - 1, size + 1);
      ctx.lineTo(shift + size + 1, -1);
    }
    ctx.stroke();
    stripes.set(id, tile);
  }
  return tile;
}

export function drawHalves(ctx: CanvasRenderingContext2D, discs: Disc[], c: Colours): void {
  const pattern = ctx.createPattern(striped(c.out, c.stripe), "repeat")!;
  ctx.lineWidth = 1;
  ctx.strokeStyle = c.halo;
  ctx.globalAlpha = 0.92;
  for (const d of discs) {
    for (const [r, from, fill] of [[d.left, 0.5, c.in], [d.right, -0.5, pattern]] as const) {
      if (r === 0) continue;
      ctx.beginPath();
      ctx.arc(d.x, d.y, r, from * Math.PI, (from + 1) * Math.PI);
      ctx.closePath();
      ctx.fillStyle = fill;
      ctx.fill();
      if (r > 3) ctx.stroke();
    }
  }
  ctx.globalAlpha = 1;
}
