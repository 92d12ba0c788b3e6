// The heat as a picture that moves with the map: drawn once for a view, stretched
// while the view moves, drawn anew when it rests.

import { add, at, blur, cell, colour, newGrid, sigmaFor, strongest, type Grid } from "../heat";
import type { Transform } from "../projection";
import type { Ramp } from "../ramp";
import type { Scale } from "../scale";
import { heated, type Spots } from "./spots";

/** How far the picture reaches beyond the screen, as a share of its size. */
const margin = 0.2;

export class HeatLayer {
  private grid?: Grid;
  private readonly canvas = document.createElement("canvas");
  private drawn?: { t: Transform; left: number; top: number; width: number; height: number };

  /** Draws places by weight for a view of a screen; returns the strongest spot. */
  fill(spots: Spots, weights: Float64Array, t: Transform, width: number, height: number): number {
    const left = Math.round(width * margin), top = Math.round(height * margin);
    const w = width + 2 * left, h = height + 2 * top;
    const g = (this.grid = newGrid(w, h, this.grid));
    const n = Math.min(weights.length, spots.n);
    for (let i = 0; i < n; i++) {
      if (weights[i] > 0 && spots.how[i] === heated) add(g, spots.x[i] * t.k + t.x + left, spots.y[i] * t.k + t.y + top, weights[i]);
    }
    blur(g, sigmaFor(width));
    this.drawn = { t, left, top, width: w, height: h };
    return strongest(g);
  }

  /** Colours what fill drew. */
  paint(scale: Scale, table: Ramp): void {
    const g = this.grid!;
    this.canvas.width = g.width;
    this.canvas.height = g.height;
    const ctx = this.canvas.getContext("2d")!;
    const image = ctx.createImageData(g.width, g.height);
    colour(g, scale, table, image.data);
    ctx.putImageData(image, 0, 0);
  }

  /** Puts the picture where it belongs at another view. */
  draw(ctx: CanvasRenderingContext2D, t: Transform): void {
    const d = this.drawn;
    if (!d || !this.grid) return;
    const f = t.k / d.t.k;
    ctx.imageSmoothingEnabled = true;
    ctx.imageSmoothingQuality = "medium";
    const x = t.x - f * (d.t.x + d.left), y = t.y - f * (d.t.y + d.top);
    ctx.drawImage(this.canvas, x, y, this.grid.width * cell * f, this.grid.height * cell * f);
  }

  /** Is the picture too small, too large or too far off for a view? */
  stale(t: Transform, width: number, height: number): boolean {
    const d = this.drawn;
    if (!d) return true;
    const f = t.k / d.t.k;
    if (f > 1.8 || f < 0.6) return true;
    const x = t.x - f * (d.t.x + d.left), y = t.y - f * (d.t.y + d.top);
    return x > 0 || y > 0 || x + d.width * f < width || y + d.height * f < height;
  }

  /** The amount near a point of the screen at a view. */
  near(t: Transform, x: number, y: number): number {
    const d = this.drawn;
    if (!d || !this.grid) return 0;
    const f = d.t.k / t.k;
    return at(this.grid, (x - t.x) * f + d.t.x + d.left, (y - t.y) * f + d.t.y + d.top);
  }
}
