// The dashboard's life: asks the sensor for the window, then follows its ticks.
// One event stream a tab, closed when the page is hidden for good.

import { computed, effect, signal } from "@preact/signals";
import { decode } from "./codec";
import { frames } from "./frames";
import { Dataset } from "./dataset";
import * as model from "./model";
import * as s from "./state";

export type Connection = "connecting" | "live" | "lost";
export const connection = signal<Connection>("connecting");

/** What the sensor says of itself; only what the page shows is named. */
export interface Status {
  sensor?: string; version?: string; state?: string; message?: string; ready?: boolean;
  interfaces?: ({ name?: string } | string)[]; labels?: string[]; coverage?: { first?: string; last?: string };
}
export const status = signal<Status>({});

/** A sentence of the API about the last question, for example a filter's mistake. */
export const trouble = signal("");

interface Tick { sensor: string; tick: string; interval: number; seq: number }

const base = "api/v1/";
const columns = "application/vnd.packetheat.columns";
const gradually = columns + "-gradual";

/** Share of a long answer that is on the map already; 1: all of it. */
export const read = signal(1);

/** The most rows added tick by tick before the window is asked for anew. */
const refreshAfter = 5 * 60_000;
let fetched = 0;
let question = 0;

/** RFC 9457 problems carry a sentence; anything else its status. */
async function problem(r: Response): Promise<string> {
  try {
    const p = (await r.json()) as { detail?: string; title?: string };
    return p.detail ?? p.title ?? `The sensor answered ${r.status}.`;
  } catch {
    return `The sensor answered ${r.status}.`;
  }
}

export async function json<T>(path: string, query: Record<string, string>): Promise<T> {
  const r = await fetch(`${base}${path}?${new URLSearchParams(query)}`, { headers: { Accept: "application/json" } });
  if (!r.ok) throw new Error(await problem(r));
  return (await r.json()) as T;
}

async function cells(query: Record<string, string>) {
  const filter = asked();
  if (filter) query.filter = filter;
  const r = await fetch(`${base}cells?${new URLSearchParams(query)}`, { headers: { Accept: columns } });
  if (!r.ok) throw new Error(await problem(r));
  return decode(new Uint8Array(await r.arrayBuffer()));
}

/** Asks for cells and shows what a long answer has come to so far, until stop says not to. */
async function cellsGradually(query: Record<string, string>, stop: () => boolean): Promise<void> {
  const filter = asked();
  if (filter) query.filter = filter;
  const gone = new AbortController();
  const r = await fetch(`${base}cells?${new URLSearchParams(query)}`, { headers: { Accept: gradually }, signal: gone.signal });
  if (!r.ok) throw new Error(await problem(r));
  for await (const f of frames(r.body!)) {
    if (stop()) return gone.abort();
    if (f.kind === "e") throw new Error(new TextDecoder().decode(f.body));
    const data = new Dataset(await decode(f.body));
    if (stop()) return gone.abort();
    model.dataset.value = data;
    read.value = f.done;
    if (f.kind === "w") return;
  }
  throw new TypeError("the answer was cut");
}

/** The filter as the API takes it. */
export function asked(...more: string[]): string {
  return [s.filter.value, s.clouds.value ? "" : "-label:cloud", ...more].filter(Boolean).join(" ");
}

/** The window as the API takes it. */
export function windowQuery(): Record<string, string> {
  const w = s.fixed.value;
  if (w) return { from: new Date(w[0]).toISOString(), to: new Date(w[1]).toISOString() };
  return s.last.value === "all" ? {} : { last: s.last.value };
}

/** Asks for the whole window. Only the newest question's answer is shown. */
export async function load(): Promise<void> {
  const mine = ++question;
  try {
    await cellsGradually(windowQuery(), () => mine !== question);
    if (mine !== question) return;
    fetched = Date.now();
    trouble.value = "";
    const end = model.dataset.value!.to;
    for (const t of waiting.splice(0)) if (Date.parse(t.tick) >= end) await follow(t);
  } catch (e) {
    if (mine === question) read.value = 1;
    if (mine === question) trouble.value = e instanceof TypeError ? "" : (e as Error).message;
    if (e instanceof TypeError) connection.value = "lost";
  }
}

/** Ticks that came while an answer was being read, which may not have them. */
const waiting: Tick[] = [];

/** Adds one tick, and lets the window slide. */
async function follow(t: Tick): Promise<void> {
  const d = model.dataset.value, mine = question, fixed = s.fixed.peek();
  if (fixed && (Date.parse(t.tick) >= fixed[1] || Date.parse(t.tick) < fixed[0])) return;
  if (read.value < 1) return void waiting.push(t);
  // A packet between two public addresses is in two rows but once in the books:
  // then the headline cannot be kept by adding and taking away rows.
  if (!d || Date.now() - fetched > refreshAfter || d.meta.totals.twoPublic > 0) return load();
  const from = Date.parse(t.tick), to = from + t.interval * 1000;
  try {
    const answer = await cells({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
    if (mine !== question || model.dataset.value !== d) return;
    const length = d.to - d.from;
    d.append(answer);
    const end = fixed ? d.to : Math.max(d.to, to), start = fixed || s.last.value === "all" ? d.from : Math.max(d.from, end - length);
    const totals = { ...d.meta.totals, points: d.meta.totals.points + answer.meta.totals.points };
    totals.twoPublic += answer.meta.totals.twoPublic;
    d.meta = { ...d.meta, from: new Date(start).toISOString(), to: new Date(end).toISOString(), totals, drops: d.meta.drops + answer.meta.drops };
    d.cover(from, to);
    d.countWindow();
    model.revision.value++;
  } catch {
    // The next tick, or the stream's own error, brings it up again.
    fetched = 0;
  }
}

let stream: EventSource | null = null;
let retry = 1000;
let timer = 0;

function open(): void {
  clearTimeout(timer);
  stream?.close();
  stream = new EventSource(base + "live");
  stream.onopen = () => {
    const again = connection.value === "lost";
    connection.value = "live";
    retry = 1000;
    if (again || !model.dataset.value) void load();
  };
  stream.addEventListener("tick", (e) => void follow(JSON.parse((e as MessageEvent<string>).data) as Tick));
  stream.addEventListener("status", (e) => (status.value = { ...status.value, ...(JSON.parse((e as MessageEvent<string>).data) as Status) }));
  stream.onerror = () => {
    connection.value = "lost";
    stream?.close();
    timer = setTimeout(open, retry) as unknown as number;
    retry = Math.min(30_000, retry * 1.7);
  };
}

/** Starts the live life. */
export function start(): void {
  model.live.value = true;
  const question = computed(() => JSON.stringify(windowQuery()) + "\n" + asked());
  effect(() => {
    question.value;
    void load();
  });
  json<Status>("status", {}).then((v) => (status.value = v), () => {});
  open();
  addEventListener("pagehide", () => {
    clearTimeout(timer);
    stream?.close();
  });
  addEventListener("pageshow", (e) => {
    if (e.persisted) open();
  });
}
