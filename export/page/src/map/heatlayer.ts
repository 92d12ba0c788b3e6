// The heat of the places: a grid for the view, a little larger than the screen so
// that what is beyond its edge glows into it, and the picture of it.

import { add, addSmoothly, at, blur, cell, coarse, colour, newGrid, sigmaFor, strongest, type Grid } from "../heat";
import type { Camera } from "../projection";
import type { Ramp } from "../ramp";
import type { Scale } from "../scale";
import { heated, type Spots } from "./spots";

/** CSS pixels beyond the screen; a multiple of both sizes of cells. */
const margin = 24;

/** A canvas and its pixels, as large as a grid. */
interface Picture { canvas: HTMLCanvasElement; image: ImageData }

export class HeatLayer {
  // One for each size of cells: a hand that takes the map and lets it go changes between them.
  private readonly grids: Record<number, Grid | undefined> = {};
  private readonly pictures: Record<number, Picture | undefined> = {};
  private grid?: Grid; // what was filled last
  private reference?: Grid;
  private filled: readonly unknown[] = []; // what the crisp grid was filled with last
  private rx = new Float32Array(0);
  private ry = new Float32Array(0);

  /** Weighs the places where they are on the screen; roughly while it moves. */
  fill(spots: Spots, weights: Float64Array, camera: Camera, moving: boolean): void {
    const of = [weights, spots.n, camera], size = moving ? coarse : cell, n = Math.min(weights.length, spots.n);
    if (!moving && this.grid?.cell === cell && of.every((v, i) => v === this.filled[i])) return;
    this.filled = moving ? [] : of;
    const g = newGrid(camera.width + 2 * margin, camera.height + 2 * margin, this.grids[size], size);
    this.grid = this.grids[size] = g;
    const put = moving ? addSmoothly : add;
    for (let i = 0; i < n; i++) {
      if (weights[i] !== 0 && spots.how[i] === heated) put(g, spots.x[i] + margin, spots.y[i] + margin, weights[i]);
    }
    blur(g, sigmaFor(camera.width));
  }

  /** The strongest spot of a view. Is it the one that is on the screen, then the grid for it is that of the picture, and done when it is drawn. */
  peak(spots: Spots, weights: Float64Array, camera: Camera, shown: Camera | null): number {
    if (shown?.same(camera)) {
      spots.look(shown);
      this.fill(spots, weights, shown, false);
      return strongest(this.grid!);
    }
    if (this.rx.length < spots.n) [this.rx, this.ry] = [new Float32Array(spots.x.length), new Float32Array(spots.x.length)];
    spots.project(camera, this.rx, this.ry);
    const g = (this.reference = newGrid(camera.width + 2 * margin, camera.height + 2 * margin, this.reference));
    for (let i = 0, n = Math.min(weights.length, spots.n); i < n; i++) if (weights[i] > 0 && spots.how[i] === heated) add(g, this.rx[i] + margin, this.ry[i] + margin, weights[i]);
    blur(g, sigmaFor(camera.width));
    return strongest(g);
  }

  /** Colours what fill weighed. */
  paint(scale: Scale, table: Ramp, paint: typeof colour = colour): void {
    const g = this.grid!, had = this.pictures[g.cell];
    const p = had?.image.width === g.width && had.image.height === g.height ? had : (this.pictures[g.cell] = picture(g, had?.canvas));
    paint(g, scale, table, p.image.data);
    p.canvas.getContext("2d")!.putImageData(p.image, 0, 0);
  }

  /** Puts the picture on the screen; stretched bilinearly, for heat is smooth already. */
  draw(ctx: CanvasRenderingContext2D): void {
    const g = this.grid, p = g && this.pictures[g.cell];
    if (!p) return;
    ctx.imageSmoothingQuality = "low";
    ctx.drawImage(p.canvas, -margin, -margin, g.width * g.cell, g.height * g.cell);
  }

  /** The amount near a pixel of the screen. */
  near(x: number, y: number): number {
    return this.grid ? at(this.grid, x + margin, y + margin) : 0;
  }
}

function picture(g: Grid, canvas = document.createElement("canvas")): Picture {
  canvas.width = g.width;
  canvas.height = g.height;
  return { canvas, image: new ImageData(g.width, g.height) };
}
