// The heat of the places: a grid for a view, and its picture.

import { add, at, blur, cell, colour, newGrid, sigmaFor, strongest, type Grid } from "../heat";
import type { Transform } from "../projection";
import type { Ramp } from "../ramp";
import type { Scale } from "../scale";
import { Picture } from "./picture";
import { heated, type Spots } from "./spots";

export class HeatLayer {
  readonly picture = new Picture();
  private grid?: Grid;
  private coarse?: Grid;

  /** Weighs the places for a view of a screen. */
  fill(spots: Spots, weights: Float64Array, t: Transform, width: number, height: number): void {
    this.picture.aim(t, width, height);
    this.grid = newGrid(this.picture.width, this.picture.height, this.grid);
    spread(this.grid, spots, weights, this.picture.t);
    blur(this.grid, sigmaFor(width));
  }

  /** The strongest spot of a view, from a grid of half the detail: the scale snaps to 1-2-5 anyway. */
  peak(spots: Spots, weights: Float64Array, t: Transform, width: number, height: number): number {
    this.coarse = newGrid(width / 2, height / 2, this.coarse);
    spread(this.coarse, spots, weights, { k: t.k / 2, x: t.x / 2, y: t.y / 2 });
    blur(this.coarse, sigmaFor(width) / 2);
    return strongest(this.coarse);
  }

  /** Colours what fill weighed. */
  paint(scale: Scale, table: Ramp): void {
    const g = this.grid!, ctx = this.picture.blank(g.width, g.height);
    const image = ctx.createImageData(g.width, g.height);
    colour(g, scale, table, image.data);
    ctx.putImageData(image, 0, 0);
    this.picture.width = g.width * cell; // the last cell may reach beyond
    this.picture.height = g.height * cell;
  }

  /** The amount near a point of the screen at a view. */
  near(t: Transform, x: number, y: number): number {
    if (!this.grid) return 0;
    const own = this.picture.t, f = own.k / t.k;
    return at(this.grid, (x - t.x) * f + own.x, (y - t.y) * f + own.y);
  }
}

function spread(g: Grid, spots: Spots, weights: Float64Array, t: Transform): void {
  for (let i = 0, n = Math.min(weights.length, spots.n); i < n; i++) {
    if (weights[i] > 0 && spots.how[i] === heated) add(g, spots.x[i] * t.k + t.x, spots.y[i] * t.k + t.y, weights[i]);
  }
}
