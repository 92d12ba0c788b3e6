// The strip of all there is: the window is marked on it, and moved or drawn anew there.

import { batch } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { date, clock, span } from "../format";
import { dataset, live } from "../model";
import { between, columns, course, gapsOf, moved, shown, worthwhile, type Course } from "../overview";
import { back, pause } from "../player";
import * as s from "../state";
import { theme } from "../theme";
import { hatch, inks, type Ink } from "./ink";
import "./overview.css";

export function Overview() {
  return worthwhile.value ? <Strip course={course.value!} /> : null;
}

function Strip({ course: c }: { course: Course }) {
  const canvas = useRef<HTMLCanvasElement>(null), [drawn, setDrawn] = useState<[number, number] | null>(null), [width, setWidth] = useState(0);
  const now = drawn ?? shown.value, zone = s.zone.value, unit = s.unit.value, ink = inks[theme.value];
  useEffect(() => {
    const watch = new ResizeObserver(([e]) => setWidth(e.contentRect.width));
    watch.observe(canvas.current!);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (width > 0) draw(canvas.current!, c, now, unit, ink);
  }, [c, now[0], now[1], unit, ink, width]);
  return (
    <div class="overview">
      <span class="overview-end">{ends(c, zone)[0]}</span>
      <canvas
        ref={canvas} tabIndex={0} role="slider" aria-label="Window within all there is: drag to move it or to draw another; arrow keys move it, plus and minus change its length, End is back to now"
        aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round((100 * (now[0] - c.from)) / (c.to - c.from))} aria-valuetext={span(...now, zone)}
        title={`All there is: ${span(c.from, c.to, zone)}`} onPointerDown={(e) => drag(e, c, setDrawn)} onKeyDown={(e) => keys(e, c)}
      />
      <span class="overview-end">{ends(c, zone)[1]}</span>
    </div>
  );
}

/** What stands at both ends of the strip. */
function ends(c: Course, zone: "local" | "utc"): [string, string] {
  const far = date(c.from, zone) !== date(c.to, zone), text = (t: number) => (far ? date(t, zone).replace(/^\w+ /, "") : clock(t, zone, false));
  return [text(c.from), live.peek() ? "now" : text(c.to)];
}

function choose(w: [number, number]): void {
  pause();
  batch(() => {
    s.at.value = null;
    s.brush.value = null;
    s.fixed.value = w;
  });
}

/** Within the window a drag moves it; elsewhere it draws another. A press without a drag brings the window there. */
function drag(e: PointerEvent, c: Course, show: (w: [number, number] | null) => void): void {
  if (e.button !== 0) return;
  const box = e.currentTarget as HTMLCanvasElement, { left, width } = box.getBoundingClientRect();
  const time = (x: number) => c.from + (Math.max(0, Math.min(1, (x - left) / width)) * (c.to - c.from));
  const first = time(e.clientX), was = shown.peek(), tick = 1000 * (dataset.peek()?.meta.tick ?? 10);
  const inside = first >= was[0] && first < was[1] && (was[1] - was[0]) * 2 < c.to - c.from;
  let now: [number, number] | null = null;
  box.setPointerCapture(e.pointerId);
  const move = (m: PointerEvent) => {
    if (!now && Math.abs(m.clientX - e.clientX) < 4) return;
    now = inside ? moved(c, was, Math.round((was[0] + time(m.clientX) - first) / tick) * tick) : between(c, first, time(m.clientX), tick);
    show(now);
  };
  const up = (m: PointerEvent) => {
    box.removeEventListener("pointermove", move);
    if (m.type === "pointerup") {
      if (now) choose(now);
      else if (!inside) choose(moved(c, was, Math.round((first - (was[1] - was[0]) / 2) / tick) * tick));
    }
    show(null);
  };
  box.addEventListener("pointermove", move);
  box.addEventListener("pointerup", up, { once: true });
  box.addEventListener("pointercancel", up, { once: true });
}

function keys(e: KeyboardEvent, c: Course): void {
  if (s.at.peek() !== null || e.shiftKey && e.key.startsWith("Arrow")) return; // the playback's
  const w = shown.peek(), length = w[1] - w[0], tick = 1000 * (dataset.peek()?.meta.tick ?? 10);
  const middle = (w[0] + w[1]) / 2, stretch = (f: number) => between(c, middle - (f * length) / 2, middle + (f * length) / 2, tick);
  const action: Record<string, () => void> = {
    ArrowLeft: () => choose(moved(c, w, w[0] - length / 2)), ArrowRight: () => choose(moved(c, w, w[0] + length / 2)),
    Home: () => choose(moved(c, w, c.from)), End: back,
    "+": () => choose(stretch(0.5)), "=": () => choose(stretch(0.5)), "-": () => choose(stretch(2)),
  };
  const run = action[e.key];
  if (!run) return;
  e.preventDefault();
  e.stopPropagation();
  run();
}

function draw(canvas: HTMLCanvasElement, c: Course, now: [number, number], unit: "packets" | "bytes", ink: Ink): void {
  const density = Math.min(3, devicePixelRatio || 1), w = canvas.clientWidth, h = canvas.clientHeight;
  canvas.width = Math.round(w * density);
  canvas.height = Math.round(h * density);
  const ctx = canvas.getContext("2d")!, x = (t: number) => (w * (Math.max(c.from, Math.min(c.to, t)) - c.from)) / (c.to - c.from);
  ctx.scale(density, density);
  for (const [from, to] of gapsOf(c, 1000 * (dataset.peek()?.meta.tick ?? 10))) hatch(ctx, x(from), x(to), 0, h, ink.hatch);
  const heights = columns(c, unit, Math.max(1, Math.floor(w))), most = heights.reduce((a, b) => Math.max(a, b), 1);
  ctx.fillStyle = ink.line;
  ctx.globalAlpha = 0.65;
  heights.forEach((v, i) => v > 0 && ctx.fillRect(i, h - Math.max(1, ((h - 3) * v) / most), 1, h));
  ctx.globalAlpha = 1;
  ctx.fillStyle = ink.loss;
  for (const g of c.spans) if (g.drops) ctx.fillRect(x(Date.parse(g.from)), h - 4, Math.max(2, x(Date.parse(g.to)) - x(Date.parse(g.from))), 4);
  const [a, b] = [x(now[0]), Math.max(x(now[0]) + 3, x(now[1]))];
  ctx.fillStyle = ink.now;
  ctx.globalAlpha = 0.22;
  ctx.fillRect(a, 0, b - a, h);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = ink.now;
  ctx.lineWidth = 1.5;
  ctx.strokeRect(Math.min(w - 3, a) + 0.75, 0.75, Math.max(1.5, Math.min(w, b) - a - 1.5), h - 1.5);
}
