// Ties the map's canvas to the signals, and puts legend, tooltip, rings and
// buttons over it.

import { batch, effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { placeKey, placeName } from "../dataset";
import { countryName, exact } from "../format";
import { connection } from "../live";
import { MapView } from "../map/view";
import { measure, measureNames, say, weighing } from "../measure";
import { dataset, hoveredPlace, live, revision, selectedPlace, sums } from "../model";
import { frames, map as shared, scale, world } from "../page";
import * as s from "../state";
import { theme } from "../theme";
import { comparison } from "../versus";
import { Empty } from "./empty";
import { Legend } from "./legend";
import { PaperMap } from "./paper";
import { MapMenu, MapMenuButton } from "./mapmenu";

export function Map() {
  const canvas = useRef<HTMLCanvasElement>(null), host = useRef<HTMLDivElement>(null);
  useEffect(() => mount(canvas.current!, host.current!), []);
  revision.value;
  const v = sums.value;
  return (
    <div class={live.value && connection.value === "lost" ? "mapbox dim" : "mapbox"} ref={host}>
      <canvas
        class="map" ref={canvas} tabIndex={0} role="img"
        aria-label={(v && shared.value?.describe()) || "World map"}
        onPointerMove={hover} onPointerLeave={() => (s.hovered.value = null)} onClick={click} onKeyDown={keys}
      />
      <PaperMap />
      <Ring place={selectedPlace.value} kind="chosen" />
      <Ring place={hoveredPlace.value} kind="near" />
      <Tooltip />
      <Legend />
      <div class="zoom" role="group" aria-label="Zoom">
        <button type="button" aria-label="Zoom in" onClick={() => shared.value?.zoomBy(1.6)}>+</button>
        <button type="button" aria-label="Zoom out" onClick={() => shared.value?.zoomBy(1 / 1.6)}>−</button>
        <button type="button" aria-label="Show all data" title="Show all data (0)" onClick={() => { s.view.value = null; shared.value?.home(true); }}>⌂</button>
        <MapMenuButton />
      </div>
      <MapMenu />
      <Empty />
    </div>
  );
}

function mount(canvas: HTMLCanvasElement, host: HTMLElement): () => void {
  const view = new MapView(canvas, {
    moved: (centre) => (s.view.value = centre),
    drawn: () => frames.value++,
    scaled: (v) => (scale.value = v),
  });
  const size = () => view.resize(canvas.clientWidth, canvas.clientHeight);
  const watch = new ResizeObserver(size);
  watch.observe(host);
  size();
  shared.value = view;
  const stops = [
    effect(() => void (world.value && view.setWorld(world.value))),
    effect(() => view.setTheme(theme.value, s.palette.value)),
    effect(() => view.setKind(s.projection.value)),
    effect(() => view.setArcs(s.arcs.value)),
    effect(() => view.lock(s.lock.value && { low: s.lock.value[0], high: s.lock.value[1] })),
    effect(() => {
      revision.value;
      const v = sums.value;
      view.setSplit(s.split.value && v ? v[s.unit.value] : null, measure.value === "bits" ? weighing.value.rate : 1);
    }),
    effect(() => {
      revision.value;
      const { weights, over } = weighing.value;
      if (dataset.value) view.setData(dataset.value, weights, over);
    }),
    effect(() => view.setChange(changes())),
    unlockOnChange(),
    effect(() => {
      const v = s.view.value;
      const now = view.width ? view.centre() : null;
      if (v && now && Math.abs(v.lat - now.lat) + Math.abs(v.lon - now.lon) + Math.abs(v.zoom / now.zoom - 1) > 0.01) view.look(v.lat, v.lon, v.zoom);
    }),
  ];
  return () => {
    watch.disconnect();
    stops.forEach((stop) => stop());
  };
}

/** What each place gained or lost, where two times are compared. */
function changes(): Float64Array | null {
  const c = comparison.value;
  return c && typeof c !== "string" ? c.change : null;
}

/** Limits of one unit mean nothing in another; who chooses a unit wants to see it. */
function unlockOnChange(): () => void {
  let was = measure.peek(), unit = s.unit.peek();
  return effect(() => {
    if (s.unit.value !== unit && s.by.peek() === "addresses") s.by.value = "amount";
    if (measure.value !== was) s.lock.value = null;
    was = measure.value;
    unit = s.unit.value;
  });
}

function pointed(e: MouseEvent): number {
  const touch = (e as PointerEvent).pointerType === "touch";
  return shared.value?.pick(e.offsetX, e.offsetY, touch ? 24 : 14) ?? -1;
}

function hover(e: PointerEvent): void {
  if (e.pointerType === "touch" || e.buttons) return;
  const i = pointed(e), d = dataset.value;
  const key = i >= 0 && d ? placeKey(d.places, i) : null;
  (e.currentTarget as HTMLElement).classList.toggle("over", i >= 0);
  if (key !== s.hovered.peek()) s.hovered.value = key;
}

function click(e: MouseEvent): void {
  const i = pointed(e), d = dataset.value;
  batch(() => {
    s.selected.value = i >= 0 && d ? placeKey(d.places, i) : null;
    s.hovered.value = null;
  });
}

function keys(e: KeyboardEvent): void {
  const view = shared.value, d = dataset.value;
  if (!view) return;
  const step = 80;
  const moves: Record<string, [number, number]> = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
  if (moves[e.key]) {
    e.preventDefault();
    view.panBy(...moves[e.key]);
  } else if (e.key === "Enter" && d) {
    if (s.hovered.value) return void (s.selected.value = s.hovered.value);
    const i = view.pick(view.width / 2, view.height / 2, Math.max(view.width, view.height) / 4);
    if (i >= 0) s.selected.value = placeKey(d.places, i);
  }
}

/** A ring around a place, moving with the map. */
function Ring({ place, kind }: { place: number; kind: string }) {
  frames.value;
  const at = place >= 0 ? shared.value?.pixel(place) : null;
  return at ? <i class={`ring ${kind}`} style={{ left: at[0] + "px", top: at[1] + "px" }} aria-hidden="true" /> : null;
}

/** Names the place under the pointer and its numbers. */
function Tooltip() {
  frames.value;
  const i = hoveredPlace.value, d = dataset.value, v = sums.value, view = shared.value;
  const [box, setBox] = useState({ w: 0, h: 0 });
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (ref.current && (ref.current.offsetWidth !== box.w || ref.current.offsetHeight !== box.h)) setBox({ w: ref.current.offsetWidth, h: ref.current.offsetHeight });
  });
  const at = i >= 0 ? view?.pixel(i) : null;
  if (!at || !d || !v || !view) return null;
  const m = measure.value, unit = s.unit.value, [a, b] = v[unit], { weights, rate } = weighing.value, moved = changes()?.[i];
  const left = at[0] + 14 + box.w > view.width ? at[0] - 14 - box.w : at[0] + 14;
  const top = Math.max(4, Math.min(view.height - box.h - 4, at[1] - box.h / 2));
  const p = d.places, country = countryName(p.country[i]);
  const name = placeName(p, i, countryName);
  return (
    <div class="tooltip" ref={ref} role="status" style={{ left: left + "px", top: top + "px" }}>
      <b>{name}</b>{name !== country && <span class="quiet"> {country}</span>}
      {m === "addresses" ? <div>{exact(weights[i] ?? 0)} addresses</div> : (
        <>
          <div title={exact(a[i] + b[i])}>{say(rate * (a[i] + b[i]), m)} {m === "packets" ? "packets" : ""}</div>
          <div class="quiet">in {say(rate * a[i], m)} · out {say(rate * b[i], m)}</div>
        </>
      )}
      {moved ? <div class="quiet">{moved > 0 ? "+" : "−"}{say(Math.abs(moved), unit)} {measureNames[unit]}</div> : null}
    </div>
  );
}
