// The map as a picture: its heading, row 1, the map with its legend, and who made the
// data. Drawn anew, twice as fine as the screen; nothing is asked of anybody.

import { lines } from "./lines";
import type { MapView } from "./map/view";
import { dataset } from "./model";
import { heading, said } from "./said";
import { plain } from "./sentence";
import { trace } from "./trace";

/** Pixels a CSS pixel, but no more in all than browsers give a canvas. */
const fineness = 2, most = 16_000;

const pad = 16, family = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
const title = `700 18px ${family}`, text = `400 14px ${family}`, small = `400 12px ${family}`;

/** Who is to be named, and by which program: what the page's foot says. */
function credits(): string[] {
  const m = dataset.value?.meta;
  const geo = m?.geo?.map((g) => [g.attribution || g.name, g.url].filter(Boolean).join(" ")) ?? [];
  return [...(m?.note ? [m.note] : []), ...(m?.filter ? [`Filter: ${m.filter}`] : []), ...geo, "Map: Natural Earth", `packetheat ${m?.version ?? ""}`.trim()];
}

export async function picture(view: MapView): Promise<Blob> {
  const canvas = document.createElement("canvas"), ctx = canvas.getContext("2d")!;
  const { width } = view, scale = Math.min(fineness, most / Math.max(width, view.height + 200));
  const wrap = (font: string, pieces: string[], between: string) => {
    ctx.font = font;
    return lines(pieces, between, width - 2 * pad, (t) => ctx.measureText(t).width);
  };
  const sentence = wrap(text, said.value.map(plain), "  ·  "), foot = wrap(small, credits(), "   ");
  const box = document.querySelector(".mapbox")!.getBoundingClientRect(), over = [...document.querySelectorAll(".mapbox .legend, .middle > .clock")];
  // On a phone the legend stands below the map.
  const height = Math.max(view.height, ...over.map((e) => Math.ceil(e.getBoundingClientRect().bottom - box.top)));
  const head = pad + 24 + 20 * sentence.length + 8, tail = 8 + 17 * foot.length + 8;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round((head + height + tail) * scale);
  ctx.scale(scale, scale);
  const css = getComputedStyle(document.documentElement), colour = (name: string) => css.getPropertyValue(name).trim();
  ctx.fillStyle = colour("--bg");
  ctx.fillRect(0, 0, width, head + height + tail);
  ctx.textBaseline = "middle";
  write(ctx, title, colour("--text"), [heading.value], pad + 10, 24);
  write(ctx, text, colour("--text"), sentence, pad + 24 + 10, 20);
  write(ctx, small, colour("--quiet"), foot, head + height + 8 + 8, 17);
  ctx.drawImage(view.snapshot(scale), 0, head, width, view.height);
  ctx.translate(0, head);
  for (const part of over) await trace(ctx, part, box);
  return new Promise((done, failed) => canvas.toBlob((b) => (b ? done(b) : failed(new Error("the browser made no picture"))), "image/png"));
}

function write(ctx: CanvasRenderingContext2D, font: string, colour: string, list: string[], y: number, step: number): void {
  ctx.font = font;
  ctx.fillStyle = colour;
  list.forEach((line, i) => ctx.fillText(line, pad, y + step * i));
}
