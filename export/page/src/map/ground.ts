// What lies under and over the heat: sea, land and the tint of countries below,
// borders above. While the map rests both are kept as pictures, so that a new tick
// or a step of a playback costs only its heat.

import type { Camera } from "../projection";
import type { World } from "../world";
import type { Colours } from "./colours";
import { Shape } from "./shape";

/** Lines finer than this many pixels are not drawn: nobody sees them. */
const still = 0.5, moving = 1.1;

/** The map has rested for so many milliseconds when its pictures are made. */
const restedFor = 120;

/** What is under the heat and what is over it, for one view. */
export interface Earth {
  under(ctx: CanvasRenderingContext2D): void;
  over(ctx: CanvasRenderingContext2D): void;
}

/** Draws it anew each time. */
export function direct(world: World, camera: Camera, c: Colours, outline: Path2D, moves: boolean): Earth {
  const step = moves ? moving : still;
  return {
    under: (ctx) => drawUnder(ctx, world, camera, c, outline, step),
    over: (ctx) => drawOver(ctx, world, camera, c, outline, step),
  };
}

/** Both of one view as pictures. */
class Pictures implements Earth {
  private done = 0;
  private readonly key: readonly unknown[];

  constructor(private readonly pictures: readonly HTMLCanvasElement[], world: World, private readonly camera: Camera, private readonly density: number, c: Colours, private readonly earth: Earth) {
    this.key = [world, camera, density, c];
  }

  are(...key: unknown[]): boolean {
    return key.every((v, i) => v === this.key[i]);
  }

  get made(): boolean {
    return this.done === 2;
  }

  /** Makes the next of the two. */
  make(): void {
    const { camera, density, earth } = this, canvas = this.pictures[this.done], ctx = canvas.getContext("2d")!;
    canvas.width = Math.round(camera.width * density); // which clears it, too
    canvas.height = Math.round(camera.height * density);
    ctx.setTransform(density, 0, 0, density, 0, 0);
    (this.done++ ? earth.over : earth.under)(ctx);
    // Browsers paint a canvas when it is first read: let that be now, not in a frame that somebody waits for.
    createImageBitmap(canvas, 0, 0, 1, 1).then((b) => b.close(), () => {});
  }

  under(ctx: CanvasRenderingContext2D): void {
    ctx.drawImage(this.pictures[0], 0, 0, this.camera.width, this.camera.height);
  }

  over(ctx: CanvasRenderingContext2D): void {
    ctx.drawImage(this.pictures[1], 0, 0, this.camera.width, this.camera.height);
  }
}

/**
 * Draws the earth while the map moves and when it comes to rest, and has pictures of
 * the view for what is shown there next: a tick, a step of a playback. They are made
 * a moment later, for the first frame of a view would be late by them.
 */
export class Ground {
  private readonly canvases = [document.createElement("canvas"), document.createElement("canvas")];
  private pictures: Pictures | null = null;
  private timer = 0;

  of(world: World, camera: Camera, density: number, c: Colours, outline: Path2D, moves: boolean): Earth {
    if (!moves && this.pictures?.are(world, camera, density, c)) return this.pictures.made ? this.pictures : direct(world, camera, c, outline, false);
    clearTimeout(this.timer);
    const earth = direct(world, camera, c, outline, moves);
    this.pictures = moves ? null : new Pictures(this.canvases, world, camera, density, c, earth);
    if (!moves) this.rest(this.pictures!);
    return earth;
  }

  /** Counts from the frame that shows this view: a slow one would have its pictures made before it is seen. */
  private rest(pictures: Pictures): void {
    requestAnimationFrame(() => {
      if (this.pictures === pictures) this.timer = setTimeout(() => this.make(), restedFor) as unknown as number;
    });
  }

  private make(): void {
    this.pictures!.make();
    if (!this.pictures!.made) this.timer = setTimeout(() => this.make(), 20) as unknown as number;
  }
}

export function trace(shapes: Shape[], camera: Camera, area: boolean, step: number): Path2D {
  const path = new Path2D();
  for (const s of shapes) s.trace(path, camera, area, step);
  return path;
}

/** Runs a body with everything beyond the edge of the earth cut off. */
export function within(ctx: CanvasRenderingContext2D, camera: Camera, outline: Path2D, body: () => void): void {
  if (!camera.edged) return body();
  ctx.save();
  ctx.clip(outline);
  body();
  ctx.restore();
}

/** Every thirty degrees: on the globe it tells where north is, and that it is round. */
const grid: Shape[] = [];
for (let lon = -180; lon < 180; lon += 30) grid.push(Shape.of([[lon, -80], [lon, 80]], false));
for (let lat = -60; lat <= 60; lat += 30) grid.push(Shape.of(Array.from({ length: 181 }, (_, i) => [2 * i - 180, lat]), false));

/** The sea of the globe, a little brighter where one looks at it straight. */
function lit(ctx: CanvasRenderingContext2D, { width, height, k }: Camera, c: Colours): CanvasGradient {
  const g = ctx.createRadialGradient(width / 2 - 0.3 * k, height / 2 - 0.35 * k, 0.1 * k, width / 2, height / 2, k);
  g.addColorStop(0, c.lit);
  g.addColorStop(1, c.ocean);
  return g;
}

function drawUnder(ctx: CanvasRenderingContext2D, world: World, camera: Camera, c: Colours, outline: Path2D, step: number): void {
  ctx.fillStyle = c.outside;
  ctx.fillRect(0, 0, camera.width, camera.height);
  ctx.fillStyle = camera.kind === "globe" ? lit(ctx, camera, c) : c.ocean;
  ctx.fill(outline);
  within(ctx, camera, outline, () => {
    if (camera.kind === "globe") {
      ctx.lineWidth = 0.5;
      ctx.strokeStyle = c.grid;
      ctx.stroke(trace(grid, camera, false, 1));
    }
    ctx.fillStyle = c.land;
    ctx.lineJoin = "round";
    ctx.lineWidth = 0.6;
    ctx.strokeStyle = c.coast;
    // Areas end at their coasts, but for the one that flat maps close along the pole.
    const whole = trace(world.land.filter((s) => !s.around), camera, true, step), polar = world.land.filter((s) => s.around);
    ctx.fill(whole);
    ctx.stroke(whole);
    ctx.fill(trace(polar, camera, true, step));
    ctx.stroke(trace(polar, camera, false, step));
  });
  if (camera.kind !== "globe") return;
  ctx.lineWidth = 1;
  ctx.strokeStyle = c.coast;
  ctx.stroke(outline);
}

function drawOver(ctx: CanvasRenderingContext2D, world: World, camera: Camera, c: Colours, outline: Path2D, step: number): void {
  within(ctx, camera, outline, () => {
    ctx.lineJoin = "round";
    ctx.lineWidth = 0.6;
    ctx.globalAlpha = 0.55;
    ctx.strokeStyle = c.border;
    ctx.stroke(trace(world.borders, camera, false, step));
    ctx.globalAlpha = 1;
  });
}
