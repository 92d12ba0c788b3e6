// What lies under and over the heat: sea and land below, borders above. Both are kept
// as pictures, so that a new tick, a step of a playback or a hand that carries the
// map costs only its heat.

import type { Camera } from "../projection";
import type { World } from "../world";
import type { Colours } from "./colours";
import { Shape } from "./shape";
import { pieces, roomy, type Piece } from "./slide";

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
export function direct(world: World, camera: Camera, c: Colours, moves: boolean): Earth {
  const step = moves ? moving : still;
  return {
    under: (ctx) => drawUnder(ctx, world, camera, c, step),
    over: (ctx) => drawOver(ctx, world, camera, c, step),
  };
}

/** Both of one view, and of something around it, as pictures. */
class Pictures {
  private done = 0;
  private readonly seen: Camera;

  constructor(readonly sheets: readonly HTMLCanvasElement[], private readonly world: World, readonly camera: Camera, private readonly density: number, private readonly colours: Colours) {
    this.seen = roomy(camera, density);
  }

  /** Are they of this earth? */
  of(world: World, density: number, c: Colours): boolean {
    return this.world === world && this.density === density && this.colours === c;
  }

  get made(): boolean {
    return this.done === 2;
  }

  /** Makes the next of the two. */
  make(): void {
    const { density, seen, world, colours } = this, canvas = this.sheets[this.done], ctx = canvas.getContext("2d")!;
    canvas.width = Math.round(seen.width * density);
    canvas.height = Math.round(seen.height * density);
    ctx.setTransform(density, 0, 0, density, 0, 0);
    const earth = direct(world, seen, colours, false);
    (this.done++ ? earth.over : earth.under)(ctx);
    // Browsers paint a canvas when it is first read: let that be now, not in a frame that somebody waits for.
    createImageBitmap(canvas, 0, 0, 1, 1).then((b) => b.close(), () => {});
  }

  /** What a camera sees, if the pictures have all of it. */
  show(camera: Camera): Earth | null {
    if (!this.made) return null;
    const { density, seen } = this;
    const list = camera.same(this.camera) ? [this.middle()] : pieces(seen, camera, density);
    if (!list) return null;
    const put = (sheet: HTMLCanvasElement) => (ctx: CanvasRenderingContext2D) => {
      ctx.save();
      ctx.setTransform(1, 0, 0, 1, 0, 0);
      ctx.imageSmoothingEnabled = false;
      for (const p of list) ctx.drawImage(sheet, p.sx, p.sy, p.w, p.h, p.dx, p.dy, p.w, p.h);
      ctx.restore();
    };
    return { under: put(this.sheets[0]), over: put(this.sheets[1]) };
  }

  private middle(): Piece {
    const { camera, density } = this, [under] = this.sheets, w = Math.round(camera.width * density), h = Math.round(camera.height * density);
    return { sx: (under.width - w) / 2, sy: (under.height - h) / 2, dx: 0, dy: 0, w, h };
  }
}

/**
 * Has pictures of the view for what is shown there next: a tick, a step of a playback,
 * or the same earth carried by a hand. They are made a moment after the view came to
 * rest, for its first frame would be late by them. What they do not show is drawn.
 */
export class Ground {
  private pictures: Pictures | null = null; // complete
  private next: Pictures | null = null; // in the making
  private readonly sheets = [0, 1].map(() => [0, 1].map(() => document.createElement("canvas"))); // of both
  private timer = 0;

  /** Ready is called when a view that came to rest has pictures of its own, if it was shown by those of another. */
  constructor(private readonly ready: () => void) {}

  of(world: World, camera: Camera, density: number, c: Colours, moves: boolean): Earth {
    if (!this.pictures?.of(world, density, c)) this.pictures = null;
    const shown = this.pictures?.show(camera) ?? null;
    if (moves) this.stop();
    else if (!(shown && this.pictures!.camera.same(camera))) this.rest(world, camera, density, c, !!shown);
    return shown ?? direct(world, camera, c, moves);
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.next = null;
  }

  /** Counts from the frame that shows this view: a slow one would have its pictures made before it is seen. */
  private rest(world: World, camera: Camera, density: number, c: Colours, borrowed: boolean): void {
    if (this.next?.camera.same(camera) && this.next.of(world, density, c)) return;
    this.stop();
    const next = (this.next = new Pictures(this.sheets.find((s) => s !== this.pictures?.sheets)!, world, camera, density, c));
    requestAnimationFrame(() => {
      if (this.next === next) this.timer = setTimeout(() => this.make(borrowed), restedFor) as unknown as number;
    });
  }

  private make(borrowed: boolean): void {
    this.next!.make();
    if (!this.next!.made) {
      this.timer = setTimeout(() => this.make(borrowed), 20) as unknown as number;
      return;
    }
    this.pictures = this.next;
    this.next = null;
    if (borrowed) this.ready();
  }
}

export function trace(shapes: Shape[], camera: Camera, area: boolean, step: number): Path2D {
  const path = new Path2D();
  for (const s of shapes) s.trace(path, camera, area, step);
  return path;
}

/** Covers what is drawn beyond the edge of the earth, and draws the edge. */
export function drawEdge(ctx: CanvasRenderingContext2D, camera: Camera, c: Colours): void {
  if (!camera.edged) return;
  const outline = camera.outline(), beyond = new Path2D();
  beyond.rect(-1, -1, camera.width + 2, camera.height + 2);
  beyond.addPath(outline);
  ctx.fillStyle = c.outside;
  ctx.fill(beyond, "evenodd");
  if (camera.kind !== "globe") return;
  ctx.lineWidth = 1;
  ctx.strokeStyle = c.coast;
  ctx.stroke(outline);
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

function drawUnder(ctx: CanvasRenderingContext2D, world: World, camera: Camera, c: Colours, step: number): void {
  ctx.fillStyle = camera.kind === "globe" ? lit(ctx, camera, c) : c.ocean;
  ctx.fillRect(0, 0, camera.width, camera.height);
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
}

function drawOver(ctx: CanvasRenderingContext2D, world: World, camera: Camera, c: Colours, step: number): void {
  ctx.lineJoin = "round";
  ctx.lineWidth = 0.6;
  ctx.globalAlpha = 0.55;
  ctx.strokeStyle = c.border;
  ctx.stroke(trace(world.borders, camera, false, step));
  ctx.globalAlpha = 1;
}
