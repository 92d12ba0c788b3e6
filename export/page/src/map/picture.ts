// A layer of the map as a picture: drawn once for a view, with a margin around the
// screen, then moved and stretched with the map until it no longer fits. This is
// what keeps a pan at a few milliseconds a frame, however much is on the map.

import type { Transform } from "../projection";

/** How far a picture reaches beyond the screen, as a share of its size. */
const margin = 0.2;

export class Picture {
  readonly canvas = document.createElement("canvas");
  /** The view it was drawn for, shifted by the margin: its own pixel = plane × k + (x, y). */
  t: Transform = { k: 0, x: 0, y: 0 };
  /** Its size in CSS pixels, with the margin. */
  width = 0;
  height = 0;

  /** Takes a new view of a screen. What was drawn is no longer right. */
  aim(t: Transform, width: number, height: number): void {
    const left = Math.round(width * margin), top = Math.round(height * margin);
    this.width = width + 2 * left;
    this.height = height + 2 * top;
    this.t = { k: t.k, x: t.x + left, y: t.y + top };
  }

  /** An empty canvas of so many pixels, to be drawn on. */
  blank(width: number, height: number): CanvasRenderingContext2D {
    const ctx = this.canvas.getContext("2d")!;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    } else {
      ctx.setTransform(1, 0, 0, 1, 0, 0);
      ctx.clearRect(0, 0, width, height);
    }
    return ctx;
  }

  /** Puts the picture where it belongs at another view. */
  draw(ctx: CanvasRenderingContext2D, t: Transform): void {
    if (this.t.k === 0) return;
    const { f, x, y } = this.where(t);
    ctx.drawImage(this.canvas, x, y, this.width * f, this.height * f);
  }

  /** Is it too small, too large or too far off for a view of a screen? */
  stale(t: Transform, width: number, height: number): boolean {
    if (this.t.k === 0) return true;
    const { f, x, y } = this.where(t);
    return f > 1.8 || f < 0.6 || x > 1 || y > 1 || x + this.width * f < width - 1 || y + this.height * f < height - 1;
  }

  private where(t: Transform): { f: number; x: number; y: number } {
    const f = t.k / this.t.k;
    return { f, x: t.x - f * this.t.x, y: t.y - f * this.t.y };
  }
}
