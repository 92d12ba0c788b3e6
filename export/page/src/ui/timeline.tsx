// The course of time over the whole window, with a brush. Stretches without data
// are hatched, never drawn as zero; losses are red ticks.

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Dataset } from "../dataset";
import { amount, clock, date, duration, span } from "../format";
import { dataset, revision, step, steps, sums, windowBins } from "../model";
import { seek } from "../player";
import * as s from "../state";
import { theme } from "../theme";
import { CompareWith } from "./changes";
import { Player } from "./playback";
import { hatch, inks, type Ink } from "./ink";
import { Overview } from "./overview";
import "./timeline.css";
import { Brushed, Windows } from "./windows";

export function Timeline() {
  const host = useRef<HTMLDivElement>(null), plot = useRef<uPlot | null>(null);
  const d = dataset.value, dark = theme.value, zone = s.zone.value, unit = s.unit.value;
  revision.value;
  useEffect(() => {
    if (!d || !host.current) return;
    const box = host.current;
    const u = (plot.current = new uPlot(options(d, box, inks[dark]), series(d), box));
    mark(u);
    const watch = new ResizeObserver(() => {
      u.setSize({ width: box.clientWidth, height: box.clientHeight });
      mark(u);
    });
    watch.observe(box);
    return () => {
      watch.disconnect();
      u.destroy();
      plot.current = null;
    };
  }, [d, dark, zone, unit]);
  const course = sums.value?.series, [from, to] = windowBins.value; // steps and brushes leave the course as it is
  useLayoutEffect(() => {
    if (plot.current && d) plot.current.setData(series(d));
    if (plot.current) mark(plot.current);
  }, [course, from, to]);
  const brush = s.brush.value, at = s.at.value;
  useLayoutEffect(() => {
    if (plot.current) mark(plot.current);
  }, [brush]);
  useLayoutEffect(() => plot.current?.redraw(false), [at]);
  return (
    <section class="timeline" aria-label="Course of time">
      <div class="timeline-head">
        <Player />
        <Windows />
        <Brushed />
        <span class="grow" />
        <CompareWith />
        <span class="quiet unit">{unit}{d ? ` per ${duration(d.step)}` : ""}{brush || at !== null ? "" : <span class="drag"> · drag to select</span>}</span>
      </div>
      <Overview />
      <div class="plot" ref={host} tabIndex={0} role="slider" aria-label="Selected time; arrow keys move it, Home selects all" aria-valuemin={0} aria-valuemax={100}
        aria-valuenow={d && brush ? Math.round((100 * (brush[0] - d.from)) / (d.to - d.from)) : 0}
        aria-valuetext={d ? (brush ? span(brush[0], brush[1], zone) : "all times") : "no data"} onKeyDown={arrows} onClick={(e) => plot.current && press(e, plot.current)} onPointerDown={(e) => plot.current && d && scrub(e, plot.current, d)} />
    </section>
  );
}

/** A finger drags a brush (or what is played), as a mouse does; uPlot itself hears mice only. */
function scrub(e: PointerEvent, u: uPlot, d: Dataset): void {
  if (e.pointerType !== "touch") return;
  const host = e.currentTarget as HTMLElement, left = u.over.getBoundingClientRect().left, start = e.clientX - left;
  host.setPointerCapture(e.pointerId);
  const move = (m: PointerEvent) => {
    const x = Math.max(0, Math.min(u.over.clientWidth, m.clientX - left));
    if (s.at.peek() !== null) return seekTo(u.posToVal(x, "x") * 1000);
    u.setSelect({ left: Math.min(start, x), width: Math.abs(x - start), top: 0, height: u.over.clientHeight }, false);
    select(u, d);
  };
  const up = () => host.removeEventListener("pointermove", move);
  if (s.at.peek() !== null) move(e);
  host.addEventListener("pointermove", move);
  host.addEventListener("pointerup", up, { once: true });
  host.addEventListener("pointercancel", up, { once: true });
}

/** Arrow keys move the brush by its own width, or make one of a twelfth; while something is played they are the playback's. */
function arrows(e: KeyboardEvent): void {
  const d = dataset.value, way = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
  if (!d || s.at.peek() !== null || e.shiftKey) return;
  const ends = windowBins.peek(), first = d.timeOf(ends[0]), end = Math.min(d.to, d.timeOf(ends[1]));
  if (e.key === "Home" || e.key === "End") s.brush.value = null;
  if (!way) return;
  e.preventDefault();
  const b = s.brush.value, width = b ? b[1] - b[0] : Math.max(d.step, (end - first) / 12);
  const from = b ? b[0] + way * width : way > 0 ? first : end - width;
  const held = Math.max(first, Math.min(end - width, from));
  s.brush.value = [held, held + width];
}

/** Seconds and amounts; nothing where the sensor was off. */
export function series(d: Dataset): uPlot.AlignedData {
  const v = sums.peek(), to = windowBins.peek()[1], from = firstBin(d);
  const x: number[] = [], y: (number | null)[] = [];
  const off = d.gaps();
  const values = v?.series[s.unit.peek()];
  for (let b = from, gap = 0; b < to; b++) {
    const t = d.timeOf(b);
    while (gap < off.length && off[gap][1] <= t) gap++;
    x.push(t / 1000);
    const amountHere = values?.[b] ?? 0;
    y.push(amountHere === 0 && gap < off.length && off[gap][0] <= t ? null : amountHere);
  }
  x.push(d.timeOf(to) / 1000); // the last step has a width, too
  y.push(y.length ? y[y.length - 1] : null);
  return [x, y];
}

/** Where the plot begins: not long before the first time the sensor ran. */
function firstBin(d: Dataset): number {
  const [from, to] = windowBins.peek(), first = d.meta.coverage?.find((c) => c.state !== "off");
  if (!first || s.fixed.peek()) return from;
  const start = Math.floor((Date.parse(first.from) - d.start) / d.step);
  return Math.max(from, Math.min(start - Math.ceil((to - start) / 8), to - 12));
}

export function options(d: Dataset, box: { clientWidth: number; clientHeight: number }, ink: Ink): uPlot.Options {
  const unit = s.unit.peek(), utc = s.zone.peek() === "utc", narrow = box.clientWidth < 600;
  const font = "12px system-ui, sans-serif";
  return {
    width: box.clientWidth, height: box.clientHeight, padding: [8, 42, 0, narrow ? 36 : 0], legend: { show: false },
    tzDate: (t) => (utc ? uPlot.tzDate(new Date(t * 1000), "Etc/UTC") : new Date(t * 1000)),
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    scales: { y: { range: (u, _, max) => [0, topOf(max, u.height - 32)] } },
    axes: [
      { stroke: ink.text, font, size: 24, gap: 3, space: 70, grid: { show: false }, ticks: { stroke: ink.grid, size: 4 }, values: (_, v) => times(v.map((t) => t * 1000)) },
      { show: !narrow, stroke: ink.text, font, size: 64, gap: 6, grid: { stroke: ink.grid, width: 1 }, ticks: { show: false }, space: apart, incrs: steps125, values: (_, v) => v.map((n) => amount(n, unit)) },
    ],
    series: [{}, { stroke: ink.line, width: 1.2, fill: ink.fill, paths: uPlot.paths.stepped!({ align: 1 }), points: { show: false }, spanGaps: false }],
    hooks: {
      drawAxes: [(u) => gaps(u, d, ink)],
      draw: [(u) => losses(u, d, ink), (u) => played(u, ink)],
      setSelect: [(u) => select(u, d)],
    },
  };
}

/** Pixels between the marks of the amounts, at least. */
const apart = 26;

/** The top of the amounts over so many pixels: room over the most, and as much as it takes for a mark over the zero. */
function topOf(most: number, height: number): number {
  const top = most > 0 ? most * 1.08 : 1, first = steps125.find((v) => (v / top) * height >= apart) ?? 0;
  return height > 1.5 * apart ? Math.max(top, first) : top;
}

/** Marks of the amounts are whole: there is no half a packet, and a mark without a number says nothing. */
const steps125 = Array.from({ length: 48 }, (_, i) => [1, 2, 5][i % 3] * 10 ** Math.floor(i / 3));

/** Marks of the time axis: the clock, and the day where it begins or is all that changes. */
function times(marks: number[]): string[] {
  const zone = s.zone.peek(), far = marks.length > 1 && marks[1] - marks[0] >= 86_400_000;
  const seconds = marks.some((t) => t % 60_000 !== 0);
  return marks.map((t) => (far || clock(t, zone, true) === "00:00:00" ? date(t, zone) : clock(t, zone, seconds)));
}

/** Hatches what is not covered. */
function gaps(u: uPlot, d: Dataset, ink: Ink): void {
  const { ctx, bbox } = u, x = (t: number) => Math.max(bbox.left, Math.min(bbox.left + bbox.width, u.valToPos(t / 1000, "x", true)));
  for (const gap of d.gaps()) if (!d.stillOpen(gap)) hatch(ctx, x(gap[0]), x(gap[1]), bbox.top, bbox.height, ink.hatch);
}

/** A red tick at the foot of each stretch that lost packets. */
function losses(u: uPlot, d: Dataset, ink: Ink): void {
  const { ctx, bbox } = u;
  ctx.fillStyle = ink.loss;
  for (const c of d.meta.coverage ?? []) {
    if (!c.drops) continue;
    const x0 = u.valToPos(Date.parse(c.from) / 1000, "x", true), x1 = u.valToPos(Date.parse(c.to) / 1000, "x", true);
    if (x1 < bbox.left || x0 > bbox.left + bbox.width) continue;
    ctx.fillRect(x0, bbox.top + bbox.height - 5, Math.max(2, x1 - x0), 5);
  }
}

/** Where the playback is. */
function played(u: uPlot, ink: Ink): void {
  const now = steps.peek()?.span(step.peek());
  if (!now) return;
  const { ctx, bbox } = u, [x0, x1] = now.map((t) => Math.max(bbox.left, Math.min(bbox.left + bbox.width, u.valToPos(t / 1000, "x", true))));
  ctx.fillStyle = ink.now;
  ctx.globalAlpha = 0.3;
  ctx.fillRect(x0, bbox.top, Math.max(2, x1 - x0), bbox.height);
  ctx.globalAlpha = 1;
  ctx.fillRect(x1 - 1, bbox.top, 2, bbox.height);
}

/** The user dragged: whole bins are selected; a click without a drag selects all. */
function select(u: uPlot, d: Dataset): void {
  const { left, width } = u.select;
  if (s.at.peek() !== null) {
    mark(u);
    return seekTo(u.posToVal(left, "x") * 1000);
  }
  if (width < 3) {
    s.brush.value = null;
    return;
  }
  const from = d.timeOf(d.binOf(u.posToVal(left, "x") * 1000)), to = d.timeOf(d.binOf(u.posToVal(left + width, "x") * 1000));
  s.brush.value = [Math.max(d.from, from), Math.max(from + d.step, Math.min(d.to, to))];
}

/** While something is played, a press or a drag goes there. */
function seekTo(time: number): void {
  const played = steps.peek();
  if (played) seek(played.at(time));
}

/** A press without a drag: uPlot says nothing of those. */
function press(e: MouseEvent, u: uPlot): void {
  const x = e.clientX - u.over.getBoundingClientRect().left;
  if (s.at.peek() !== null && x >= 0 && x <= u.over.clientWidth) seekTo(u.posToVal(x, "x") * 1000);
}

/** Shows the brush on the plot. */
export function mark(u: uPlot): void {
  const b = s.brush.peek();
  const left = b ? u.valToPos(b[0] / 1000, "x") : 0, right = b ? u.valToPos(b[1] / 1000, "x") : 0;
  u.root.classList.toggle("brushed", b !== null);
  u.setSelect({ left, width: Math.max(0, right - left), top: 0, height: u.bbox.height / uPlot.pxRatio }, false); // to ask the page how high it is would have it laid out in mid-render
}
