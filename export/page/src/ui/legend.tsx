// What the map's colours and discs mean, in the corner that has the least data
// under it.

import { useEffect, useRef, useState } from "preact/hooks";
import { amount, share } from "../format";
import { sigmaFor } from "../heat";
import { radiusOf, samples } from "../map/halves";
import type { Rect } from "../map/labels";
import type { MapView } from "../map/view";
import { measure, measureNames, say, weighing, type Measure } from "../measure";
import { sums } from "../model";
import { frames, map, scale, settle as settled } from "../page";
import { changeRamps, gradient, ramp, reversed } from "../ramp";
import { position, ticks, type Scale } from "../scale";
import { whereabouts } from "../sentence";
import { lock, palette, unit } from "../state";
import { theme } from "../theme";
import "./legend.css";

type Corner = "bottom left" | "bottom right" | "top left" | "top right";
const corners: Corner[] = ["bottom left", "bottom right", "top right", "top left"];

export function Legend() {
  const ref = useRef<HTMLDivElement>(null);
  const [corner, setCorner] = useState<Corner>("bottom left");
  const s = scale.value, view = map.value;
  frames.value;
  const settle = () => {
    if (!view || !ref.current) return false;
    const [best, moved] = place(view, ref.current);
    setCorner(best);
    return moved;
  };
  useEffect(() => {
    settled.value = settle;
    return () => (settled.value = null);
  }, [view]);
  useEffect(() => { // what it says may change without the map
    const id = setTimeout(() => settle() && view!.relabel(), 90);
    return () => clearTimeout(id);
  });
  if (!s || !view) return null;
  const m = measure.value, note = weighing.value.note;
  return (
    <div class={`legend ${corner}`} ref={ref} role="group" aria-label="Legend">
      {view.mode === "direction" ? <Discs view={view} scale={s} m={m} /> : view.mode === "change" ? <Change view={view} scale={s} m={m} /> : <Heat view={view} scale={s} m={m} />}
      {view.hollow && <CountryOnly />}
      {view.anycast && (
        <div class="legend-row quiet aside" title="Networks that answer from many places at once: which of them it was nobody knows from the address. The ring stands in the country they are registered in.">
          <svg class="unplaced" width="14" height="14" aria-hidden="true"><circle cx="7" cy="7" r="5.5" /></svg>anycast: in many places at once
        </div>
      )}
      <Nowhere />
      {note && <div class="legend-row quiet">{note}</div>}
    </div>
  );
}

/** Finds the corner with the least data and keeps names off it; also tells whether that is news. */
function place(view: MapView, legend: HTMLElement): [Corner, moved: boolean] {
  if (legend.offsetTop >= view.height) return [corners[0], cover(view, legend, [])]; // it stands below the map
  const w = legend.offsetWidth + 16, h = legend.offsetHeight + 16;
  const rect = (c: Corner) => ({ x: c.endsWith("left") ? 0 : view.width - w, y: c.startsWith("top") ? 0 : view.height - h, w, h });
  let best = corners[0], least = Infinity;
  for (const c of corners) {
    const n = view.busy(rect(c));
    if (n < least) (least = n), (best = c);
  }
  return [best, cover(view, legend, [rect(best)])];
}

/** Tells the map what stands over it: the legend, the buttons, the clock of a playback. */
function cover(view: MapView, legend: HTMLElement, covered: Rect[]): boolean {
  const map = legend.parentElement!.getBoundingClientRect();
  for (const e of document.querySelectorAll(".middle .zoom, .middle .clock")) {
    const r = e.getBoundingClientRect();
    covered.push({ x: Math.round(r.x - map.x) - 8, y: Math.round(r.y - map.y) - 8, w: Math.round(r.width) + 16, h: Math.round(r.height) + 16 });
  }
  const moved = JSON.stringify(covered) !== JSON.stringify(view.covered);
  view.covered = covered;
  return moved;
}

interface Part { view: MapView; scale: Scale; m: Measure }

/** Kilometres of a circle, in round numbers. */
export function roundKm(km: number): number {
  return km >= 10 ? Number(km.toPrecision(km < 100 ? 1 : 2)) : Math.max(1, Math.round(km));
}

function Reach({ view }: { view: MapView }) {
  const sigma = sigmaFor(view.width);
  return (
    <>
      <svg class="reach" width={4 * sigma} height={4 * sigma} aria-hidden="true"><circle cx={2 * sigma} cy={2 * sigma} r={2 * sigma - 1} /></svg>
      <span class="quiet">{roundKm(view.reachKm())} km</span>
    </>
  );
}

/** Holds the scale as it is, so that two pictures compare. */
function Lock({ scale: s }: { scale: Scale }) {
  const on = lock.value !== null;
  return (
    <button
      type="button" class="lock" aria-pressed={on} aria-label="Lock the scale"
      title={on ? "The scale is locked: the same colour is the same amount whatever is shown (l)" : "Lock the scale, so that two views compare (l)"}
      onClick={() => (lock.value = on ? null : [s.low, s.high])}
    >
      <svg width="12" height="14" viewBox="0 0 12 14" aria-hidden="true"><rect x="1" y="6" width="10" height="7" rx="1.5" /><path d={on ? "M3 6V4a3 3 0 0 1 6 0v2" : "M3 6V4a3 3 0 0 1 5.8-1"} /></svg>
    </button>
  );
}

function Heat({ view, scale: s, m }: Part) {
  return (
    <>
      <div class="legend-title"><b>{measureNames[m]}</b> near here<Reach view={view} /><Lock scale={s} /></div>
      <div class="bar" style={{ backgroundImage: gradient(ramp(theme.value, palette.value)) }} role="img" aria-label={`Colours from ${say(s.low, m)} to ${say(s.high, m)} ${measureNames[m]}, logarithmic`} />
      <div class="ticks" aria-hidden="true">
        {ticks(s, m === "bytes" ? 0.27 : m === "bits" ? 0.34 : 0.21).map((v) => <span key={v} style={{ left: 100 * position(s, v) + "%" }}>{say(v, m)}</span>)}
      </div>
    </>
  );
}

/** More on the right and less on the left of what stayed as it was. */
function Change({ view, scale: s, m }: Part) {
  const { less, more } = changeRamps(theme.value);
  return (
    <>
      <div class="legend-title"><b>{measureNames[m]}</b> more or less<Reach view={view} /><Lock scale={s} /></div>
      <div class="bar" style={{ backgroundImage: gradient(reversed(less), more) }} role="img" aria-label={`Purple: up to ${say(s.high, m)} less, green: up to ${say(s.high, m)} more, logarithmic`} />
      <div class="ticks three" aria-hidden="true"><span>−{say(s.high, m)}</span><span>±{say(s.low, m)}</span><span>+{say(s.high, m)}</span></div>
    </>
  );
}

function Discs({ view, scale: s, m }: Part) {
  const list = samples(s), r = list.map((v) => radiusOf(v, s, view.width)), h = 2 * Math.ceil(r[0]) + 2;
  return (
    <>
      <div class="legend-title"><b>{measureNames[m]}</b><span class="swatch in" />in<span class="swatch out striped" />out<Lock scale={s} /></div>
      <div class="discs" role="img" aria-label={`Areas are amounts: the largest half-disc is ${say(list[0], m)} ${measureNames[m]}`}>
        {list.map((v, i) => (
          <span key={v}>
            <svg width={2 * r[i] + 2} height={h} aria-hidden="true">
              <defs><pattern id={`stripes${i}`} width="5" height="5" patternUnits="userSpaceOnUse"><rect class="right" width="5" height="5" /><path class="stripe" d="M-1 6 6-1M-1 1 1-1M4 6 6 4" /></pattern></defs>
              <path class="left" d={half(r[i], h, 0)} />
              <path d={half(r[i], h, 1)} fill={`url(#stripes${i})`} />
            </svg>
            {say(v, m)}
          </span>
        ))}
      </div>
    </>
  );
}

/** A half-disc standing on the lower edge of its picture. */
function half(r: number, h: number, sweep: 0 | 1): string {
  return `M${r + 1} ${h - 1 - 2 * r}A${r} ${r} 0 0 ${sweep} ${r + 1} ${h - 1}Z`;
}

/** What the hatching means, and of how many packets it is all that is known. */
function CountryOnly() {
  const v = sums.value, part = v && v.coarse > 0 ? `: ${share(v.coarse, v.totalPackets)}` : "";
  return (
    <div class="legend-row quiet aside" title={`Addresses that no database knows more closely, and anycast networks, which are in many places at once: nothing says where in the country they are${v ? `. ${whereabouts(v)}` : ""}`}>
      <svg class="hatch" width="18" height="12" aria-hidden="true"><path d="M-2 8 8-2M2 14 16 0M10 14 22 2" /></svg>only the country is known{part}
    </div>
  );
}

/** What no map can show is said here. */
function Nowhere() {
  const v = sums.value;
  if (!v || v.unlocated === 0) return null;
  return <div class="legend-row quiet aside" title="No database knows where these are: they are in the sums and the list, not on the map">{amount(v.unlocated, "packets")} packets without a place{unit.value === "packets" ? "" : " (not shown)"}</div>;
}
