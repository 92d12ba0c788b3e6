// Play controls, and the clock on the map while something is played.

import { useEffect, useRef, useState } from "preact/hooks";
import { clock, date, duration, zoneName } from "../format";
import { blank, dataset, live, refining, revision, selectedTime, step, steps } from "../model";
import { map } from "../page";
import { covered } from "../playback";
import { back, calm, pause, playing, seek, stepBy, toGap, toggle } from "../player";
import * as s from "../state";
import "./playback.css";

/** Shapes in a square of 16; letters would look different everywhere. */
const shapes = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z",
  back: "M12 2.5v11L5 8zM3.2 2.5h1.6v11H3.2z",
  on: "M4 2.5v11L11 8zM11.2 2.5h1.6v11h-1.6z",
};

function Icon({ shape }: { shape: keyof typeof shapes }) {
  return <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><path d={shapes[shape]} fill="currentColor" /></svg>;
}

export function Player() {
  useEffect(() => {
    addEventListener("keydown", keys);
    return () => {
      removeEventListener("keydown", keys);
      pause();
    };
  }, []);
  revision.value;
  const d = dataset.value, on = s.at.value !== null, runs = playing.value;
  const few = !d || (!live.value && d.bins()[1] - d.bins()[0] < 2);
  const what = runs ? "Pause" : calm() ? "Next step" : "Play";
  return (
    <div class="player" role="group" aria-label="Playback">
      <button type="button" class="chip icon" disabled={few} onClick={() => stepBy(-1)} aria-label="One step back" title="One step back (←)"><Icon shape="back" /></button>
      <button type="button" class="chip icon play" disabled={few} onClick={toggle} aria-label={what} title={few ? "This data has no steps of time to play" : `${what} (Space)`}><Icon shape={runs ? "pause" : "play"} /></button>
      <button type="button" class="chip icon" disabled={few} onClick={() => stepBy(1)} aria-label="One step on" title="One step on (→)"><Icon shape="on" /></button>
      {on && <Manner />}
      {on && <button type="button" class="chip" onClick={back} data-back>{live.value ? "Back to live" : "Back to all"}</button>}
    </div>
  );
}

/** How it is played. */
function Manner() {
  return (
    <>
      <div class="group segments" role="group" aria-label="What a step shows">
        <button type="button" class="chip" aria-pressed={!s.growing.value} onClick={() => (s.growing.value = false)} title="Each step shows its own traffic, and a short trail of the steps before">steps</button>
        <button type="button" class="chip" aria-pressed={s.growing.value} onClick={() => (s.growing.value = true)} title="Each step adds to what was before">adding up</button>
      </div>
      <select class="chip" aria-label="Speed" value={String(s.speed.value)} onChange={(e) => (s.speed.value = Number(e.currentTarget.value))}>
        {s.speeds.map((v) => <option key={v} value={String(v)}>{v === 0.25 ? "¼" : v === 0.5 ? "½" : v}×</option>)}
      </select>
    </>
  );
}

/** Space, arrows and Home, End: unless somebody types, or what has the focus means something else by them. */
function keys(e: KeyboardEvent): void {
  const t = e.target as HTMLElement;
  if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || t.closest("input, select, textarea, [role=dialog], [role=tablist]")) return;
  const on = s.at.peek() !== null;
  if (e.key === " " && !t.closest("button, a, summary")) toggle();
  else if (e.key === "ArrowLeft" || e.key === "ArrowRight") {
    const way = e.key === "ArrowLeft" ? -1 : 1;
    if (e.shiftKey) toGap(way);
    else stepBy(way);
  } else if (on && e.key === "Home") seek(0);
  else if (on && e.key === "End") seek(Infinity);
  else return;
  e.preventDefault();
}

type Corner = "bottom" | "top" | "bottom right" | "top left";

/** Where on the map the clock has the least under it: looked for once, for what hops about cannot be read. */
function freest(w: number, h: number): Corner {
  const view = map.peek(), at = (x: number, y: number) => view!.busy({ x, y, w, h });
  if (!view || view.width < 500) return "top left";
  const x = (view.width - w) / 2, low = view.height - h - 10;
  const busy: [Corner, number][] = [["bottom", at(x, low)], ["top", at(x, 10)], ["bottom right", at(view.width - w - 10, low)], ["top left", at(10, 10)]];
  return busy.reduce((a, b) => (b[1] < a[1] ? b : a))[0];
}

/** The time that is shown, large enough to be read from afar. */
export function Clock() {
  const on = s.at.value !== null, box = useRef<HTMLDivElement>(null), [corner, setCorner] = useState<Corner>("bottom");
  useEffect(() => {
    if (on && box.current) setCorner(freest(box.current.offsetWidth, box.current.offsetHeight));
  }, [on, steps.value?.n]);
  const d = dataset.value, played = steps.value;
  if (!d || !played) return null;
  const zone = s.zone.value, [from, to] = played.span(step.value), seconds = played.length % 60_000 !== 0, was = covered(d, from, to);
  const days = played.length >= 86_400_000, first = s.growing.value ? selectedTime.value[0] : from;
  const text = (t: number) => (days ? date(t, zone, true) : clock(t, zone, seconds));
  return (
    <div class={blank.value ? `clock blank ${corner}` : `clock ${corner}`} ref={box} role="timer" aria-live={playing.value ? "off" : "polite"}>
      <b>{text(from)}</b>
      <span>{days ? "" : date(from, zone)} {zoneName(from, zone)}</span>
      <span class="clock-more clock-to">{s.growing.value ? `all from ${text(first)} to ${text(to)}` : days ? `for ${duration(to - from)}` : `to ${text(to)}`}</span>
      {refining.value < 1 ? <span class="clock-more">asking the sensor for finer steps, {Math.floor(100 * refining.value)}\u202f%</span>
        : was === 0 ? <span class="clock-more clock-gap">no data: the sensor was off</span>
        : was < to - from && <span class="clock-more">the sensor was on for {duration(was)} of it</span>}
    </div>
  );
}
