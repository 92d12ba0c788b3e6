// Draws one frame's marks and names, bottom to top.

import type { Home } from "../codec";
import { rad, type Camera } from "../projection";
import { position, type Scale } from "../scale";
import type { Colours } from "./colours";
import type { Placed } from "./labels";
import { heated, hollow, type Spots } from "./spots";

/** Twelve pixels is the smallest text anywhere. */
export function font(city: boolean): string {
  return `${city ? 600 : 400} 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;
}

interface Scene { spots: Spots; scale: Scale | null }

function markerRadius(s: Scale, weight: number): number {
  return 1.4 + 2.2 * position(s, Math.abs(weight));
}

/** A dot with an edge for each place. */
export function drawMarkers(ctx: CanvasRenderingContext2D, m: Scene, seen: number[], weights: Float64Array, c: Colours): void {
  if (!m.scale) return;
  ctx.beginPath();
  for (const i of seen) {
    if (m.spots.how[i] !== heated) continue;
    const x = m.spots.x[i], y = m.spots.y[i], r = markerRadius(m.scale, weights[i]);
    ctx.moveTo(x + r, y);
    ctx.arc(x, y, r, 0, 2 * Math.PI);
  }
  ctx.lineWidth = 1.8;
  ctx.globalAlpha = 0.85;
  ctx.strokeStyle = c.markEdge;
  ctx.stroke();
  ctx.fillStyle = c.mark;
  ctx.fill();
  ctx.globalAlpha = 1;
}

/** A dashed ring for what is known to its country only. */
export function drawHollow(ctx: CanvasRenderingContext2D, m: Scene, seen: number[], weights: Float64Array, c: Colours): void {
  if (!m.scale) return;
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = c.hollow;
  ctx.setLineDash([3, 2.5]);
  for (const i of seen) {
    if (m.spots.how[i] !== hollow) continue;
    ctx.beginPath();
    ctx.arc(m.spots.x[i], m.spots.y[i], 4.5 + 5 * position(m.scale, Math.abs(weights[i])), 0, 2 * Math.PI);
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

/** Text with a halo of the map's colour. */
export function drawLabels(ctx: CanvasRenderingContext2D, labels: Placed[], c: Colours): void {
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.lineJoin = "round";
  ctx.lineWidth = 3;
  ctx.strokeStyle = c.halo;
  for (const city of [false, true]) {
    ctx.font = font(city);
    ctx.fillStyle = city ? c.city : c.label;
    for (const l of labels) {
      if (l.city !== city) continue;
      ctx.strokeText(l.text, l.x + l.w / 2, l.y + l.h / 2);
      ctx.fillText(l.text, l.x + l.w / 2, l.y + l.h / 2);
    }
  }
}

/** Where the sensor stands, if it says so: a small house, so that it is not taken for traffic. */
export function drawHome(ctx: CanvasRenderingContext2D, home: Home | undefined, camera: Camera, c: Colours): void {
  const at = home && camera.point(home.longitude * rad, home.latitude * rad);
  if (!at) return;
  const [x, y] = at;
  ctx.beginPath();
  ctx.moveTo(x - 7, y);
  ctx.lineTo(x, y - 7);
  ctx.lineTo(x + 7, y);
  ctx.moveTo(x - 5, y - 1.5);
  ctx.lineTo(x - 5, y + 5.5);
  ctx.lineTo(x + 5, y + 5.5);
  ctx.lineTo(x + 5, y - 1.5);
  for (const [width, style] of [[4.5, c.halo], [1.8, c.city]] as const) {
    ctx.lineWidth = width;
    ctx.strokeStyle = style;
    ctx.stroke();
  }
}

/** An empty canvas of so many CSS pixels, to draw in these. */
export function sheet(width: number, height: number, density: number): CanvasRenderingContext2D {
  const canvas = document.createElement("canvas"), ctx = canvas.getContext("2d")!;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  ctx.setTransform(density, 0, 0, density, 0, 0);
  return ctx;
}
