// What lies under and over the heat: sea, land and the tint of countries below,
// borders above. While the map rests both are kept as pictures, so that a new tick
// or a step of a playback costs only its heat.

import type { Camera } from "../projection";
import type { World } from "../world";
import type { Colours } from "./colours";
import { Shape } from "./shape";

/** Lines finer than this many pixels are not drawn: nobody sees them. */
const still = 0.5, moving = 1.1;

export class Ground {
  private readonly under = document.createElement("canvas");
  private readonly over = document.createElement("canvas");
  private kept: unknown[] = [];

  /** Makes the pictures for a view, unless they are there. */
  prepare(world: World, camera: Camera, density: number, c: Colours): void {
    const key = [world, camera, density, c];
    if (key.every((v, i) => v === this.kept[i])) return;
    this.kept = key;
    const outline = camera.outline();
    drawUnder(blank(this.under, camera, density), world, camera, c, outline, still);
    drawOver(blank(this.over, camera, density), world, camera, c, outline, still);
  }

  drawUnder(ctx: CanvasRenderingContext2D, camera: Camera): void {
    ctx.drawImage(this.under, 0, 0, camera.width, camera.height);
  }

  drawOver(ctx: CanvasRenderingContext2D, camera: Camera): void {
    ctx.drawImage(this.over, 0, 0, camera.width, camera.height);
  }
}

function blank(canvas: HTMLCanvasElement, camera: Camera, density: number): CanvasRenderingContext2D {
  const width = Math.round(camera.width * density), height = Math.round(camera.height * density), ctx = canvas.getContext("2d")!;
  if (canvas.width !== width || canvas.height !== height) (canvas.width = width), (canvas.height = height);
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.clearRect(0, 0, width, height);
  ctx.setTransform(density, 0, 0, density, 0, 0);
  return ctx;
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
for (let lon = -180; lon < 180; lon += 30) grid.push(new Shape([[lon, -80], [lon, 80]], false));
for (let lat = -60; lat <= 60; lat += 30) grid.push(new Shape(Array.from({ length: 181 }, (_, i) => [2 * i - 180, lat]), false));

/** The sea of the globe, a little brighter where one looks at it straight. */
function lit(ctx: CanvasRenderingContext2D, { width, height, k }: Camera, c: Colours): CanvasGradient {
  const g = ctx.createRadialGradient(width / 2 - 0.3 * k, height / 2 - 0.35 * k, 0.1 * k, width / 2, height / 2, k);
  g.addColorStop(0, c.lit);
  g.addColorStop(1, c.ocean);
  return g;
}

export function drawUnder(ctx: CanvasRenderingContext2D, world: World, camera: Camera, c: Colours, outline: Path2D, step = moving): void {
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

export function drawOver(ctx: CanvasRenderingContext2D, world: World, camera: Camera, c: Colours, outline: Path2D, step = moving): void {
  within(ctx, camera, outline, () => {
    ctx.lineJoin = "round";
    ctx.lineWidth = 0.6;
    ctx.globalAlpha = 0.55;
    ctx.strokeStyle = c.border;
    ctx.stroke(trace(world.borders, camera, false, step));
    ctx.globalAlpha = 1;
  });
}
