// Ties the map's canvas to the signals. What lies over it comes when it is drawn.

import { batch, effect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { nowhere } from "../anycast";
import { placeKey } from "../dataset";
import { connection } from "../live";
import { MapView } from "../map/view";
import { measure, weighing } from "../measure";
import { dataset, live, revision, sums } from "../model";
import { frames, map as shared, scale, settle, surround, world } from "../page";
import * as s from "../state";
import { theme } from "../theme";
import { gained } from "../versus";

export function Map() {
  const canvas = useRef<HTMLCanvasElement>(null), host = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => mount(canvas.current!, host.current!), []);
  revision.value;
  const around = surround.value, described = around && sums.value && shared.value?.describe();
  return (
    <div class={live.value && connection.value === "lost" ? "mapbox dim" : "mapbox"} ref={host}>
      <canvas
        class="map" ref={canvas} tabIndex={0} role="img"
        aria-label={described || "World map"}
        onPointerMove={hover} onPointerLeave={() => (s.hovered.value = null)} onClick={click} onKeyDown={keys}
      />
      {around && <around.Over />}
    </div>
  );
}

function mount(canvas: HTMLCanvasElement, host: HTMLElement): () => void {
  const view = new MapView(canvas, {
    moved: (centre) => (s.view.value = centre),
    drawn: () => frames.value++,
    naming: () => settle.peek()?.(),
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
    effect(() => view.setNowhere(nowhere.value)),
    effect(() => view.setChange(gained.value)),
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
