// What a page on paper has and the screen does not: the map drawn finely, in the
// light theme, and the evidence spelt out.

import { useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { duration } from "../format";
import { dataset, live } from "../model";
import { frames, map } from "../page";
import { knownCoarsely } from "../sums";
import { proof } from "../proof";
import { unit, zone } from "../state";
import { printing } from "../theme";
import { inks } from "./ink";
import { mark, options, series } from "./timeline";

/** Pixels of the map's frame on A4 across, about. */
const frame = { width: 772, height: 450 };

/** The map in the shape of the paper, as fine as printers are; the canvas of the screen is for the screen. */
export function PaperMap() {
  const host = useRef<HTMLDivElement>(null), view = map.value, on = printing.value;
  useLayoutEffect(() => {
    if (!on || !view || !view.width) return;
    const screen = host.current!.parentElement!.querySelector("canvas.map")!;
    view.resize(frame.width, frame.height);
    const canvas = view.snapshot(3);
    host.current!.replaceChildren(canvas);
    frames.value++; // the legend is of this shape, too
    return () => {
      canvas.remove();
      view.resize(screen.clientWidth, screen.clientHeight);
    };
  }, [on, view]);
  return <div class="paper-map" ref={host} aria-hidden="true" />;
}

/** Pixels: as wide as the paper is, and its part of the height. */
const course = { clientWidth: 1050, clientHeight: 92 };

/** The course of time: the one of the screen is as wide as the screen. */
export function PaperCourse() {
  const host = useRef<HTMLDivElement>(null), d = dataset.value, on = printing.value;
  useLayoutEffect(() => {
    if (!on || !d) return;
    const plot = new uPlot({ ...options(d, course, inks.light), pxAlign: false }, series(d), host.current!);
    mark(plot);
    return () => plot.destroy();
  }, [on, d]);
  return <div class="paper-course" ref={host} aria-hidden="true">{on && d && <p>{unit.value} per {duration(d.step)}, hatched where no sensor was on</p>}</div>;
}

/** The evidence under the page. */
export function PaperProof() {
  const m = dataset.value?.meta;
  if (!printing.value || !m) return null;
  return <dl class="paper-proof">{proof(m, zone.value, live.value, knownCoarsely(dataset.value!)).map((l, i) => <div key={i}><dt>{l.what}</dt><dd>{l.text}</dd></div>)}</dl>;
}
