// Which window: the usual ones, or any that can be typed.

import { batch } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { span } from "../format";
import { dataset, live, partly } from "../model";
import { back } from "../player";
import * as s from "../state";
import { parseStretch } from "../times";
import "./windows.css";

const usual: [string, string, string][] = [
  ["5m", "5 min", "Last 5 minutes"], ["1h", "1 h", "Last hour"], ["24h", "24 h", "Last day"], ["7d", "7 d", "Last week"], ["30d", "30 d", "Last 30 days"], ["all", "all", "All there is"],
];

export function Windows() {
  const [open, setOpen] = useState(false), fixed = s.fixed.value, button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <div class="windows" role="group" aria-label="Window">
      <div class="group segments">
        {live.value ? usual.map(([last, text, title]) => (
          <button key={last} type="button" class="chip" data-choice={last} aria-pressed={!fixed && s.last.value === last} title={title} onClick={() => follow(last)}>{text}</button>
        )) : (
          <button type="button" class="chip" data-choice="all" aria-pressed={!partly.value} title="All that this file carries" onClick={back}>all</button>
        )}
        <button ref={button} type="button" class="chip" data-choice="custom" aria-pressed={!!fixed && (live.value || partly.value)} aria-expanded={open} title="From when to when" onClick={() => setOpen(!open)}>
          {live.value && !usual.some(([last]) => last === s.last.value) && !fixed ? s.last.value : "custom"} …
        </button>
      </div>
      {live.value && fixed && s.at.value === null && <button type="button" class="chip" data-back onClick={back}>Back to live</button>}
      {open && <Stretch title="Window" now={shown()} done={close} take={(w) => choose(w)} />}
    </div>
  );
}

/** What is shown, to begin with. */
function shown(): [number, number] | null {
  const d = dataset.peek();
  return s.fixed.peek() ?? (d ? [d.from, d.to] : null);
}

function follow(last: string): void {
  back();
  s.last.value = last;
}

function choose(w: [number, number]): void {
  batch(() => {
    s.at.value = null;
    s.brush.value = null;
    s.fixed.value = w;
  });
}

interface StretchProps { title: string; now: [number, number] | null; take: (w: [number, number]) => void; done: () => void }

/** Two times to type, in the words that the command line takes. */
export function Stretch({ title, now, take, done }: StretchProps) {
  const zone = s.zone.value, [mistake, setMistake] = useState("");
  const from = useRef<HTMLInputElement>(null), to = useRef<HTMLInputElement>(null);
  useEffect(() => from.current?.focus(), []);
  const submit = (e: Event) => {
    e.preventDefault();
    const w = parseStretch(from.current!.value, to.current!.value, Date.now(), zone);
    if (typeof w === "string") return setMistake(w);
    take(w);
    done();
  };
  const typed = (t: number) => written(t, zone);
  return (
    <div class="stretch" role="dialog" aria-label={title} onKeyDown={(e) => e.key === "Escape" && (e.stopPropagation(), done())}><form onSubmit={submit}>
      <label>From <input ref={from} name="from" spellcheck={false} autocomplete="off" defaultValue={now ? typed(now[0]) : ""} /></label>
      <label>To <input ref={to} name="to" spellcheck={false} autocomplete="off" defaultValue={now ? typed(now[1]) : ""} /></label>
      <p class="quiet">{zone === "utc" ? "UTC" : "Local time"}, or with an offset. For example 2026-11-21 14:00, yesterday, tue 15:00, -2h, now.</p>
      {mistake && <p class="loss" role="alert">{mistake}</p>}
      <div class="stretch-foot">
        <button type="submit" class="chip" aria-pressed="true">Show</button>
        <button type="button" class="chip" onClick={done}>Cancel</button>
      </div>
    </form></div>
  );
}

/** 2026-11-21 14:00:00, as it can be typed. */
function written(t: number, zone: "local" | "utc"): string {
  const two = (n: number) => String(n).padStart(2, "0"), d = new Date(zone === "utc" ? t : t - new Date(t).getTimezoneOffset() * 60_000);
  const seconds = d.getUTCSeconds() ? ":" + two(d.getUTCSeconds()) : "";
  return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}${seconds}`;
}

/** The brush, in words, with the ways on from it. */
export function Brushed() {
  const b = s.brush.value;
  if (!b) return null;
  return (
    <span class="brushed-time">
      {span(b[0], b[1], s.zone.value)}
      <button type="button" class="chip" onClick={() => choose(b)} title="Make this the window: it is shown in finer steps">Zoom in</button>
      <button type="button" class="chip" data-all-times onClick={() => (s.brush.value = null)}>All times</button>
    </span>
  );
}
