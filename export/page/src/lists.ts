// The list beside the map: the same sums by place, country, network, address, peer or
// port. A saved file answers from what it carries; live, the sensor is asked for what
// the rows do not tell.

import { computed, effect, signal } from "@preact/signals";
import { placeKey, type Dataset } from "./dataset";
import { countryName, exact } from "./format";
import { arranged, countryItems, detailItems, labelsOf, nouns, placeItems, type Cut, type Item, type Order, type Pair } from "./items";
import { asked, json, windowQuery } from "./live";
import * as model from "./model";
import { playing } from "./player";
import { service } from "./services";
import * as s from "./state";
import { dimensionOf, kindOf } from "./subject";
import type { Unit } from "./sums";
import { toldApart } from "./twins";

export { labelsOf };

/** Lines that are made; more when one scrolls to their end. */
const first = 150;
export const limit = signal(first);
export const mostAsked = 10_000; // the sensor's own limit
export const more = () => (limit.value = Math.min(4 * limit.value, 50_000));

export interface Row {
  key: string; label?: string; country?: string; city?: string; as_org?: string; asn?: number; proto?: string; latitude?: number; longitude?: number;
  packets: number; bytes: number; opens?: number; in?: Part; out?: Part; labels?: string[]; first?: string; last?: string;
}
interface Part { packets: number; bytes: number }
export interface TopAnswer { rows: Row[]; count?: number; sorted?: number }

const pair = (r: Row, unit: "packets" | "bytes"): Pair => [r.in?.[unit] ?? r[unit], r.out?.[unit] ?? 0];
const instant = (t: string | undefined) => (t ? Date.parse(t) : undefined);

/** One row of the sensor's answer as a list shows it. */
export function itemOf(by: string, r: Row, d: Dataset | null): Item {
  const item: Item = { key: r.key, label: r.label || r.key, note: "", packets: pair(r, "packets"), bytes: pair(r, "bytes"), labels: r.labels, first: instant(r.first), last: instant(r.last) };
  if (r.latitude !== undefined && r.longitude !== undefined && d) item.place = placeNear(d, r.latitude, r.longitude);
  switch (by) {
    case "asn": {
      const number = r.key.replace(/^as/i, "");
      item.key = number;
      item.label = r.as_org || (number ? (r.label ?? "").replace(/^AS\d+\s*/i, "") || `AS${number}` : "Not known");
      item.note = number ? `AS${number}` : "";
      break;
    }
    case "port": {
      const proto = r.proto ?? "", port = Number(r.key);
      item.key = `${proto}/${r.key}`;
      item.label = port ? service(port, proto === "udp" ? 1 : 0) : proto.toUpperCase();
      item.note = port ? proto.toUpperCase() : "no port";
      break;
    }
    case "country":
      item.label = r.key ? countryName(r.key) : "Not located";
      break;
    case "place":
      item.key = item.place ?? "";
      item.label = r.city || (r.country ? countryName(r.country) : "Not located");
      item.note = r.city && r.country ? countryName(r.country) : "";
      break;
    case "ip":
      item.note = r.country ? countryName(r.country) : "";
  }
  return item;
}

/** The key of the place at coordinates, if the map has it. */
function placeNear(d: Dataset, lat: number, lon: number): string | undefined {
  const p = d.places;
  for (let i = 0; i < p.n; i++) if (p.located[i] && Math.abs(p.lat[i] - lat) < 5e-5 && Math.abs(p.lon[i] - lon) < 5e-5) return placeKey(p, i);
  return undefined;
}

/** The page's toggles in the filter language, for the sensor. */
export function sensorFilter(...more: string[]): string {
  const terms = [asked(...more)].filter(Boolean);
  const names = ["tcp", "udp", "icmp,icmpv6"];
  const bits = s.protocol.value;
  if (bits !== 0b1111) {
    const other = (bits >> 3) & 1;
    const list = names.filter((_, i) => ((bits >> i) & 1) !== other).join(",");
    if (list) terms.push((other ? "-" : "") + "proto:" + list);
  }
  if (s.direction.value !== "both") terms.push("dir:" + s.direction.value);
  return terms.join(" ");
}

/** The stretch that is shown, for the sensor. */
export function timeQuery(): Record<string, string> {
  if (!s.brush.value && s.at.value === null) return windowQuery();
  const [from, to] = model.selectedTime.value;
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

/** A question about what is shown, and terms more. */
export function shownQuery(...more: string[]): Record<string, string> {
  const filter = sensorFilter(...more);
  return { ...timeQuery(), ...(filter && { filter }) };
}

/** An order as the sensor takes it. Names it does not sort by: they are sorted here, of those with the most. */
export function sortOf(order: Order, unit: Unit): string {
  if (order === "packets" || order === "bytes") return order;
  return order === "in" || order === "out" ? `${unit}_${order}` : unit;
}

/** An answer; sorted: of so many rows, which were not all. */
export interface Sorted extends Cut { sorted?: number }

/** Asks the sensor for its largest by something, in an order of sortOf. */
export async function ask(by: string, n: number, sort: string, ...more: string[]): Promise<Sorted> {
  const a = await json<TopAnswer>("top", { by, n: String(n), ...(sort !== "packets" && { sort }), ...shownQuery(...more) }), d = model.dataset.peek();
  return { items: toldApart(a.rows.map((r) => itemOf(by, r, d))), count: a.count ?? a.rows.length, sorted: a.sorted };
}

const remote = signal<({ tab: s.Tab; error?: string } & Sorted) | null>(null);

export interface Listing extends Cut { message?: string; waiting?: boolean }

/** What the list shows now. */
export const listing = computed<Listing>(() => {
  model.revision.value;
  const d = model.dataset.value, sums = model.sums.value, tab = s.tab.value, unit = s.unit.value, order = s.order.value, n = limit.value;
  if (!d || !sums) return { items: [], count: 0 };
  if (model.blank.value) return { items: [], count: 0, message: "No data: the sensor was off." };
  if (tab === "place") return placeItems(d, sums, unit, order, n);
  if (tab === "country") return countryItems(d, sums, unit, order, n);
  return model.live.value ? fromSensor(tab) : fromFile(d, tab);
});

function fromSensor(tab: s.Tab): Listing {
  const r = remote.value, order = s.order.value;
  if (!r || r.tab !== tab) return { items: [], count: 0, message: "Asking the sensor …", waiting: true };
  const among = order === "name" && r.count > r.items.length ? `By name, of the ${exact(r.items.length)} ${nouns[tab][1]} with the most ${s.unit.value}.` : undefined;
  const message = r.error ?? among ?? (r.sorted ? `Of the ${exact(r.sorted)} ${nouns[tab][1]} with the most packets.` : undefined);
  return { items: arranged([...r.items], order, s.unit.value, r.items.length), count: r.count, message };
}

function fromFile(d: Dataset, tab: s.Tab): Listing {
  const q = model.question.value, kind = kindOf[tab]!;
  if (d.details.n === 0) return { items: [], count: 0, message: "This file carries places only. Ask the sensor, or export with --detail addresses." };
  if (q.details && !about(d, q.details, kind)) return { items: [], count: 0, message: `With this filter, the file does not tell ${nouns[tab][1]} apart: ask the sensor.` };
  const partly = s.brush.value !== null || s.at.value !== null || s.fixed.value !== null;
  return { ...ofDetails.value, message: partly ? "Over the whole file: it keeps no times for these." : undefined };
}

/** The details that the tab is about: they have no times, so that no step of a playback adds them up again. */
const ofDetails = computed<Cut>(() => {
  model.revision.value;
  const d = model.dataset.value, kind = kindOf[s.tab.value], q = model.question.value;
  if (!d || kind === undefined) return { items: [], count: 0 };
  return detailItems(d, kind, { keys: model.keys.value, places: q.places, mask: q.details }, s.unit.value, s.order.value, limit.value);
});

/** Are any of the details of the kind? None at all are of every kind: nothing matched. */
function about(d: Dataset, mask: Uint8Array, kind: number): boolean {
  let any = false;
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    if (d.details.kind[i] === kind) return true;
    any = true;
  }
  return !any;
}

/** Keeps the asked lists fresh: at once on a change of question, else with the ticks. */
export function follow(): void {
  let timer = 0, number = 0;
  effect(() => {
    const tab = s.tab.value, n = Math.min(limit.value, mostAsked), sort = sortOf(s.order.value, s.unit.value), question = JSON.stringify(shownQuery());
    model.revision.value;
    if (playing.value) return; // a step is shown for too short to be asked about
    if (!model.live.value || tab === "place" || tab === "country" || !model.dataset.value) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const mine = ++number;
      ask(dimensionOf[tab], n, sort).then(
        (cut) => mine === number && (remote.value = { tab, ...cut }),
        (e: Error) => mine === number && (remote.value = { tab, items: [], count: 0, error: e.message }),
      );
    }, question ? 120 : 0) as unknown as number;
  });
}

/** A new question begins with short lists again. */
effect(() => {
  s.tab.value, s.filter.value, s.order.value;
  limit.value = first;
});
