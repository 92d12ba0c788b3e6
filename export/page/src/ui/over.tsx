// What lies over the map's canvas: rings and names under the pointer, the legend, buttons.

import { useEffect, useRef, useState } from "preact/hooks";
import { placeName } from "../dataset";
import { countryName, exact } from "../format";
import { measure, measureNames, say, weighing } from "../measure";
import { dataset, hoveredPlace, selectedPlace, sums } from "../model";
import { frames, map as shared } from "../page";
import * as s from "../state";
import { gained } from "../versus";
import { Empty } from "./empty";
import { Legend } from "./legend";
import { PaperMap } from "./paper";
import { MapMenu, MapMenuButton } from "./mapmenu";

export function Over() {
  return (
    <>
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
    </>
  );
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
  const m = measure.value, unit = s.unit.value, [a, b] = v[unit], { weights, rate } = weighing.value, moved = gained.value?.[i];
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
