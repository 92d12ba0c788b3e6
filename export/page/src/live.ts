// The dashboard's life: asks the sensor for the window, then follows its ticks.
// A tick is never added up: the bins that it touches are asked for and replaced, so
// that late packets, a second sensor or a tick that was told twice count once.

import { computed, effect, signal } from "@preact/signals";
import { address, cells, cellsGradually, json, Refusal } from "./api";
import { Dataset } from "./dataset";
import * as model from "./model";
import * as s from "./state";
import { Stream, type Connection, type Source } from "./stream";

export { json } from "./api";
export type { Connection } from "./stream";

export const connection = signal<Connection>("connecting");

/** What the sensor says of itself; only what the page shows is named. */
export interface Status {
  sensor?: string; version?: string; state?: string; message?: string; ready?: boolean; time?: string;
  interfaces?: Interface[]; labels?: string[]; coverage?: { first?: string; last?: string; points?: number; local_only?: number; points_from?: string };
  alerts?: string; books?: Books; geo?: GeoSource[]; geo_faults?: number; store_error?: string; started?: string; tick?: number;
  /** All of the machine's, while nothing comes for the map. */
  machine_interfaces?: { name: string; captured: boolean; packets: number }[];
}
export interface Books { captured?: Count; local_only?: Count; one_public?: Count; two_public?: Count; drops?: number }
export interface Count { packets: number; bytes: number }
export interface Interface { name: string; state?: string; books?: Books }
export interface GeoSource { kind: string; name: string; in_use?: boolean; warning?: string; missing?: string[] }
export const status = signal<Status>({});

/** A sentence of the API about the last question, for example a filter's mistake. */
export const trouble = signal("");

/** Share of a long answer that is on the map already; 1: all of it. */
export const read = signal(1);

/** The program behind the page is another than when the page was loaded. */
export const renewed = signal(false);

interface Tick { tick: string; interval: number }

/** After so long the window is asked for anew: what has left it is let go, and names and databases are those of now. */
const refreshAfter = 5 * 60_000;

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

/** A window with the filter. */
function withFilter(query: Record<string, string>): Record<string, string> {
  const filter = asked();
  return filter ? { ...query, filter } : query;
}

const question = computed(() => JSON.stringify(withFilter(windowQuery())));

let fetched = 0; // when the window was asked for last, by the clock; 0: it must be
let reading: AbortController | null = null; // the question of the whole window that is under way
let unsure = false; // was anything committed between the answer and the stream?
let shown = ""; // the question whose answer is on the map

/** Is the window that is asked for the one on the map, only that it stands still now? Then there is nothing to ask. */
function held(): boolean {
  const d = model.dataset.peek(), w = s.fixed.peek();
  if (!d || !w || !shown || reading) return false;
  return w[0] === d.from && w[1] === d.to && ((JSON.parse(shown) as { filter?: string }).filter ?? "") === asked();
}

/** Asks for the whole window. The newest question alone is answered. Resolves to whether the sensor answered. */
export async function load(): Promise<boolean> {
  reading?.abort();
  const mine = (reading = new AbortController()), now = question.peek();
  fetched = Date.now();
  try {
    if (now === shown) take(new Dataset(await cells(withFilter(windowQuery()), mine.signal)));
    else await loadGradually(mine, now);
    trouble.value = "";
    return true;
  } catch (e) {
    if (mine.signal.aborted) return true; // a newer question tells
    fetched = 0;
    trouble.value = e instanceof TypeError ? "" : (e as Error).message;
    if (e instanceof Refusal && e.passing) setTimeout(() => question.peek() === now && !reading && void load(), 3000);
    return e instanceof Refusal;
  } finally {
    if (reading === mine) {
      reading = null;
      read.value = 1;
      if (unsure) makeSure();
      void catchUp();
    }
  }
}

/** A new question: what there is of its answer is shown as it comes. */
async function loadGradually(mine: AbortController, now: string): Promise<void> {
  for await (const { data, done } of cellsGradually(withFilter(windowQuery()), mine.signal)) {
    if (mine.signal.aborted) return;
    shown = done === 1 ? now : "";
    take(new Dataset(data));
    read.value = done;
  }
}

function take(d: Dataset): void {
  model.dataset.value = d;
}

/** The stretch that commits have touched and no answer has told yet. */
let touched: [number, number] | null = null;
let told = 0; // the end of the latest tick that was committed

function touch(from: number, to: number): void {
  touched = touched ? [Math.min(touched[0], from), Math.max(touched[1], to)] : [from, to];
}

/** Has the window's end looked at again: what was committed while its answer was on the way is in no event. */
function makeSure(): void {
  const d = model.dataset.peek();
  unsure = !d;
  if (d) touch(d.to - 60_000, d.to + 60_000);
}

let busy = false;

/** Brings the map up to the last commit. One question at a time: what comes meanwhile is asked together. */
async function catchUp(): Promise<void> {
  if (busy || reading || !touched) return;
  const d = model.dataset.value;
  if (!d || !fetched || Date.now() - fetched > refreshAfter) {
    touched = null;
    return void load();
  }
  const [from, open] = d.whole(touched), to = s.fixed.peek() ? Math.min(open, d.to) : open;
  touched = null;
  if (to <= from) return; // a window that stands still takes nothing from outside
  // What is unanswered in a tick may be answered in the window: that only the whole knows.
  if (2 * (to - from) > d.to - d.from || s.filter.peek().includes("unanswered")) return void load();
  busy = true;
  try {
    const now = question.peek(), time = (t: number) => new Date(t).toISOString();
    const answer = await cells(withFilter({ from: time(from), to: time(to) }));
    if (now !== question.peek() || model.dataset.peek() !== d) return;
    d.replace(answer, from, to);
    slide(d);
    await recount(d, answer.meta.totals.twoPublic);
    model.revision.value++;
  } catch {
    fetched = 0; // the next tick, or the stream's own end, brings it up again
  } finally {
    busy = false;
    void catchUp();
  }
}

/** Moves the window's end to the last commit, and its begin after it by whole bins: so sums are of just the window that is said. */
function slide(d: Dataset): void {
  if (told <= d.to || s.fixed.peek()) return;
  const begin = told - (d.to - d.from);
  d.move(s.last.value === "all" ? d.from : Math.max(d.from, d.timeOf(Math.floor((begin - d.start) / d.step))), told);
}

/** The headline of the window: the rows' sum, unless packets are in two rows; then the sensor's books tell. */
async function recount(d: Dataset, twoPublic: number): Promise<void> {
  if (d.meta.totals.twoPublic + twoPublic === 0) return d.countWindow();
  const { coverage: c } = await json<{ coverage: { packets: number; bytes: number; two_public: number; unlocated: number } }>("series", { from: d.meta.from, to: d.meta.to });
  const totals = { ...d.meta.totals, packets: c.packets, bytes: c.bytes, twoPublic: c.two_public };
  d.meta = { ...d.meta, totals };
}

function event(name: string, data: unknown): void {
  if (name === "tick") {
    const t = data as Tick, from = Date.parse(t.tick);
    touch(from, from + t.interval * 1000);
    told = Math.max(told, from + t.interval * 1000);
    void catchUp();
  } else if (name === "status") tell(data as Status);
}

function tell(v: Status): void {
  const before = status.peek().version;
  if (before && v.version && before !== v.version) renewed.value = true;
  status.value = { ...status.peek(), ...v };
}

/** Asks the sensor how it is. */
export function inquire(): Promise<void> {
  return json<Status>("status", {}).then(tell, () => {});
}

const stream = new Stream(
  () => new EventSource(address("live")) as unknown as Source,
  ["tick", "status", "beat"],
  {
    opened(again) {
      if (again || !(fetched || reading)) return void load();
      unsure = true;
      if (!reading) makeSure();
      void catchUp();
    },
    event,
    instead: load,
    changed: (c) => (connection.value = c),
  },
);

/** Tries again at once. */
export function hurry(): void {
  stream.hurry();
}

/** Starts the live life. */
export function start(): void {
  model.live.value = true;
  effect(() => {
    const now = question.value;
    if (held()) shown = now;
    else void load();
  });
  void inquire();
  stream.open();
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (e) => e.persisted && stream.open());
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? stream.hide() : stream.show()));
}
