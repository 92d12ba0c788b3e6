// Gathers what explains an empty map; asks the sensor only while the map is empty.

import { batch, computed, effect, signal } from "@preact/signals";
import { json } from "./api";
import { explain, words, type Deed, type Facts, type Note, type Rate } from "./empty";
import { ask } from "./filter";
import { asked, connection, hurry, inquire, status, trouble, windowQuery } from "./live";
import * as model from "./model";
import * as s from "./state";
import { sum } from "./sums";

interface Known { lastTerm?: number; addressesFrom?: number; nearest?: [number, number] }
const known = signal<Known>({});
const rates = signal<Rate[]>([]);

/** Is there nothing to see? Cheap, for it is asked with each tick. */
const empty = computed(() => (model.dataset.value ? model.sums.value?.totalPackets === 0 : model.live.value));

const switched = computed(() => s.protocol.value !== 0b1111 || s.direction.value !== "both" || !s.clouds.value);
const picked = computed(() => s.brush.value !== null || s.at.value !== null);

/** The filter without its last term. */
const shorter = computed(() => words(s.filter.value).slice(0, -1).join(" "));

/** What the data here has with less asked for. */
const without = computed<Facts["without"]>(() => {
  const d = model.dataset.value;
  if (!d || !empty.value) return {};
  const [first, end] = d.bins(), q = model.question.value;
  const count = (keys: number, from: number, to: number, places?: Uint8Array) => sum(d, { keys, from, to, places }).totalPackets;
  const [from, to] = model.bins.value;
  const out: Facts["without"] = {};
  if (!q.details) {
    if (switched.value) out.switches = count(0xffff & q.keys, from, to, q.places) || count(0xffff & q.keys, first, end, q.places);
    if (picked.value) out.time = count(model.keys.value, first, end, q.places);
  }
  if (model.live.value) out.lastTerm = known.value.lastTerm;
  else if (s.filter.value) {
    const less = shorter.value ? ask(d, shorter.value) : { keys: 0xffff };
    if (!less.error && !less.details) out.lastTerm = count(less.keys, first, end, less.places);
  }
  return out;
});

function facts(): Facts {
  model.revision.value;
  const d = model.dataset.value, v = model.sums.value, st = status.value, b = st.books;
  const geo = st.geo?.filter((g) => g.kind === "city"), used = geo?.find((g) => g.in_use);
  return {
    live: model.live.value, zone: s.zone.value, connection: connection.value, refused: trouble.value !== "", data: !!d && !!v,
    packets: v?.totalPackets ?? 0, unlocated: v?.unlocated ?? 0, filter: s.filter.value, switched: switched.value, picked: picked.value,
    without: without.value, window: d ? [d.from, d.to] : [0, 0], off: model.off.value, nearest: known.value.nearest, addressesFrom: known.value.addressesFrom,
    books: b?.captured && { captured: b.captured.packets, local: b.local_only?.packets ?? 0, public: (b.one_public?.packets ?? 0) + (b.two_public?.packets ?? 0) },
    since: st.started && st.time ? Date.parse(st.time) - Date.parse(st.started) : undefined,
    waiting: (st.interfaces ?? []).filter((i) => i.state && i.state !== "capturing").map((i) => `${i.name} ${i.state}`),
    rates: rates.value, geo: geo && (used ? used.warning : "no GeoIP database is in use"),
    message: d?.meta.message || (d ? undefined : st.message),
  };
}

/** What stands on the map, if anything does. */
export const note = computed<Note | null>(() => explain(facts()));

let wanted = 0;

/** Live: as long as there is nothing to see, the sensor is asked why. */
export function watch(): void {
  let timer: ReturnType<typeof setInterval> | undefined;
  effect(() => {
    clearInterval(timer);
    const mine = ++wanted;
    if (!empty.value || !model.live.value) return void (known.value = {});
    measure();
    timer = setInterval(measure, 3000);
    if (!model.dataset.value) return;
    const filter = s.filter.value ? shorter.value : null, window = windowQuery(), wasOff = model.off.value;
    clouds();
    void Promise.all([filter === null ? {} : less(filter, window), wasOff ? nearest() : {}]).then(([a, b]) => {
      if (mine === wanted) known.value = { ...a, ...b };
    }, () => {});
  });
}

/** Reads what the questions below depend on, so that its change asks again. */
function clouds(): void {
  asked();
}

async function less(filter: string, window: Record<string, string>): Promise<Known> {
  const a = await json<{ total: { packets: number }; coverage: { points_from?: string } }>("top", { by: "country", n: "1", ...window, ...(filter && { filter }) });
  return { lastTerm: a.total.packets, addressesFrom: a.coverage.points_from ? Date.parse(a.coverage.points_from) : undefined };
}

/** The stretch as long as the window whose data is nearest to it. */
async function nearest(): Promise<Known> {
  const d = model.dataset.peek();
  const a = await json<{ step: number; bins: { time: string }[] }>("series", {});
  if (!d || a.bins.length === 0) return {};
  return { nearest: closest(a.bins.map((b) => Date.parse(b.time)), 1000 * a.step, d.from, d.to) };
}

/** Of bins in time order, the one nearest to a window; the stretch of the window's length that ends or begins with it. */
export function closest(bins: number[], step: number, from: number, to: number): [number, number] {
  const before = bins.filter((t) => t < from).at(-1), after = bins.find((t) => t >= from), length = to - from;
  if (before !== undefined && (after === undefined || from - before <= after - to)) return [before + step - Math.max(length, step), before + step];
  return [after!, after! + Math.max(length, step)];
}

let last: { at: number; packets: Map<string, number> } | null = null;

/** Rates of all the machine's interfaces, from two readings of their counters. */
function measure(): void {
  void inquire().then(() => {
    const list = status.peek().machine_interfaces ?? [], now = performance.now();
    const seconds = last ? (now - last.at) / 1000 : 0, before = last?.packets;
    rates.value = list.map((i) => ({ name: i.name, captured: i.captured, perSecond: before?.has(i.name) && seconds > 0 ? Math.max(0, i.packets - before.get(i.name)!) / seconds : null }));
    last = { at: now, packets: new Map(list.map((i) => [i.name, i.packets])) };
  });
}

/** Does what a note's button says. */
export function act(n: Note): void {
  batch(() => carryOut(n.deed));
}

function carryOut(deed: Deed | undefined): void {
  const f = known.peek();
  if (deed === "term") s.filter.value = shorter.peek();
  else if (deed === "switches") {
    s.protocol.value = 0b1111;
    s.direction.value = "both";
    s.clouds.value = true;
  } else if (deed === "time") s.brush.value = s.at.value = null;
  else if (deed === "go" && f.nearest) s.fixed.value = f.nearest;
  else if (deed === "day") {
    s.fixed.value = null;
    s.last.value = "24h";
  } else if (deed === "retry") hurry();
  else s.clearSelection();
}
