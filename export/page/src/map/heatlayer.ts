// The heat of the places: a grid for the view, a little larger than the screen so
// that what is beyond its edge glows into it, and the picture of it.

import { add, addSmoothly, at, blur, cell, coarse, colour, newGrid, sigmaFor, strongest, type Grid } from "../heat";
import type { Camera } from "../projection";
import type { Ramp } from "../ramp";
import type { Scale } from "../scale";
import { heated, type Spots } from "./spots";

/** CSS pixels beyond the screen; a multiple of both sizes of cells. */
const margin = 24;

export class HeatLayer {
  private readonly canvas = document.createElement("canvas");
  private readonly grids: Record<number, Grid | undefined> = {};
  private grid?: Grid; // what was filled last
  private image?: ImageData;
  private reference?: Grid;
  private rx = new Float32Array(0);
  private ry = new Float32Array(0);

  /** Weighs the places where they are on the screen; roughly while it moves. */
  fill(spots: Spots, weights: Float64Array, camera: Camera, moving: boolean): void {
    const size = moving ? coarse : cell, n = Math.min(weights.length, spots.n);
    const g = newGrid(camera.width + 2 * margin, camera.height + 2 * margin, this.grids[size], size);
    this.grid = this.grids[size] = g;
    const put = moving ? addSmoothly : add;
    for (let i = 0; i < n; i++) {
      if (weights[i] !== 0 && spots.how[i] === heated) put(g, spots.x[i] + margin, spots.y[i] + margin, weights[i]);
    }
    blur(g, sigmaFor(camera.width));
  }

  /** The strongest spot of a view, from a grid of half the detail: the scale snaps to 1-2-5 anyway. */
  peak(spots: Spots, weights: Float64Array, camera: Camera): number {
    if (this.rx.length < spots.n) [this.rx, this.ry] = [new Float32Array(spots.x.length), new Float32Array(spots.x.length)];
    spots.project(camera, this.rx, this.ry);
    const g = (this.reference = newGrid(camera.width, camera.height, this.reference, coarse));
    for (let i = 0, n = Math.min(weights.length, spots.n); i < n; i++) if (weights[i] > 0 && spots.how[i] === heated) add(g, this.rx[i], this.ry[i], weights[i]);
    blur(g, sigmaFor(camera.width));
    return strongest(g);
  }

  /** Colours what fill weighed. */
  paint(scale: Scale, table: Ramp, paint: typeof colour = colour): void {
    const g = this.grid!, ctx = this.canvas.getContext("2d")!;
    if (this.canvas.width !== g.width || this.canvas.height !== g.height) {
      this.canvas.width = g.width;
      this.canvas.height = g.height;
    }
    if (this.image?.width !== g.width || this.image.height !== g.height) this.image = ctx.createImageData(g.width, g.height);
    paint(g, scale, table, this.image.data);
    ctx.putImageData(this.image, 0, 0);
  }

  /** Puts the picture on the screen; stretched bilinearly, for heat is smooth already. */
  draw(ctx: CanvasRenderingContext2D): void {
    const g = this.grid;
    if (!g) return;
    ctx.imageSmoothingQuality = "low";
    ctx.drawImage(this.canvas, -margin, -margin, g.width * g.cell, g.height * g.cell);
  }

  /** The amount near a pixel of the screen. */
  near(x: number, y: number): number {
    return this.grid ? at(this.grid, x + margin, y + margin) : 0;
  }
}
