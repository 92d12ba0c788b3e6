// Lines from home to the heaviest places, along great circles. They stand still:
// moving ones would say something about time that nobody measured.

import { geoInterpolate } from "d3-geo";
import type { Home } from "../codec";
import { rad, type Camera } from "../projection";
import { position, type Scale } from "../scale";
import type { Colours } from "./colours";
import { Shape } from "./shape";
import { heated, type Spots } from "./spots";

export interface Arc { shape: Shape; weight: number }

/** More lines would be a ball of wool. */
const most = 50;

/** Arcs to the heaviest places of an order whose place is known. */
export function makeArcs(home: Home, spots: Spots, order: ArrayLike<number>, weights: Float64Array): Arc[] {
  const arcs: Arc[] = [];
  for (let k = 0; k < order.length && arcs.length < most; k++) {
    const i = order[k];
    if (spots.how[i] !== heated) continue;
    const way = geoInterpolate([home.longitude, home.latitude], [spots.lon[i] / rad, spots.lat[i] / rad]);
    arcs.push({ weight: Math.abs(weights[i]), shape: Shape.of(Array.from({ length: 65 }, (_, n) => way(n / 64)), false) });
  }
  return arcs;
}

function drawArcs(ctx: CanvasRenderingContext2D, arcs: Arc[], camera: Camera, scale: Scale | null, c: Colours): void {
  if (!scale) return;
  ctx.strokeStyle = c.arc;
  ctx.lineCap = "round";
  for (const a of [...arcs].reverse()) {
    const t = position(scale, a.weight), path = new Path2D();
    a.shape.trace(path, camera, false, 0.5);
    ctx.globalAlpha = 0.25 + 0.5 * t;
    ctx.lineWidth = 0.7 + 1.5 * t;
    ctx.stroke(path);
  }
  ctx.globalAlpha = 1;
}

/** What arcs go to, and how heavy it is. */
interface Scene { spots: Spots; order: ArrayLike<number>; shown: Float64Array; camera: Camera; scale: Scale | null }

export class Arcs {
  wanted = false;
  private made: Arc[] | null = null;

  /** Places or weights are others. */
  forget(): void {
    this.made = null;
  }

  draw(ctx: CanvasRenderingContext2D, home: Home | undefined, m: Scene, c: Colours): void {
    if (home) drawArcs(ctx, (this.made ??= makeArcs(home, m.spots, m.order, m.shown)), m.camera, m.scale, c);
  }
}
