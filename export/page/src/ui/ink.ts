// Colours of the course of time, for canvases: they cannot read custom properties as they draw.

export interface Ink { line: string; fill: string; text: string; grid: string; hatch: string; loss: string; now: string }

export const inks: Record<"dark" | "light", Ink> = {
  dark: { line: "#b9c5d3", fill: "#b9c5d326", text: "#93a0b0", grid: "#1c2430", hatch: "#3b4756", loss: "#ff5d5d", now: "#4fd1c5" },
  light: { line: "#5a6876", fill: "#5a687626", text: "#5a6673", grid: "#e3e8ec", hatch: "#b8c2cb", loss: "#c62828", now: "#0f766e" },
};

/** Slanted lines between two x, from a top, so high: nothing is known there. */
export function hatch(ctx: CanvasRenderingContext2D, x0: number, x1: number, top: number, height: number, colour: string): void {
  if (x1 <= x0) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(x0, top, x1 - x0, height);
  ctx.clip();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let x = x0 - height; x < x1; x += 7) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.stroke();
  ctx.restore();
}
