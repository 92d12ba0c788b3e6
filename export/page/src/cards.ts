// What a card tells about a place, a country, a network, an address, a peer or a port:
// from the file as far as it goes, or from the sensor.

import { json } from "./api";
import { kinds } from "./codec";
import { courseOf, type Course } from "./course";
import { placeName, type Dataset } from "./dataset";
import { countryName } from "./format";
import { detailItems, detailKey, nouns, placeItems, type Cut, type Item, type Pair, type Which } from "./items";
import { ask, itemOf, shownQuery, type TopAnswer } from "./lists";
import * as model from "./model";
import { service } from "./services";
import { unit as shownUnit, type Tab } from "./state";
import { dimensionOf, kindOf, placeAt, placesOf, portOf, termOf, type Subject } from "./subject";
import type { Sums, Unit } from "./sums";

/** Lines of each list in a card. */
const short = 8;

export interface Part extends Cut { tab: Tab; title: string }

export interface Facts {
  packets: Pair;
  bytes: Pair;
  opens?: number; // undefined: not known
  first?: number; // ms
  last?: number;
  labels: string[];
  network?: string; // of an address
  place?: string; // of an address: its name
  course?: Course;
  parts: Part[];
  note?: string; // what is missing, and who knows
}

const titles: Record<Tab, string> = { place: "Places", country: "Countries", network: "Networks", address: "Addresses", peer: "Peers on our side", port: "Ports" };

/** A subject's name, and a second line. */
export function nameOf(s: Subject, d: Dataset, items: readonly Item[] = []): [string, string] {
  const listed = items.find((i) => i.key === s.key);
  switch (s.tab) {
    case "place": {
      const at = placeAt(d, s.key), p = d.places;
      if (at < 0) return ["This place", ""];
      const name = placeName(p, at, countryName), country = countryName(p.country[at]);
      return [name, [p.region[at] !== name && p.region[at], country !== name && country].filter(Boolean).join(", ")];
    }
    case "country": return [countryName(s.key), ""];
    case "network": return [listed?.label ?? networkName(d, Number(s.key)) ?? `AS${s.key}`, `AS${s.key}`];
    case "port": {
      const { proto, port } = portOf(s.key);
      return [service(port, proto === "udp" ? 1 : 0), proto === "other" ? "neither TCP nor UDP nor ICMP" : proto.toUpperCase()];
    }
    case "peer": return [s.key, "on our side"];
    default: return [s.key, listed?.note ?? ""];
  }
}

/** A network's name, if a detail says it. */
function networkName(d: Dataset, number: number): string | undefined {
  const t = d.details;
  for (let i = 0; i < t.n; i++) if (t.kind[i] === kinds.as && t.number[i] === number && t.name[i]) return t.name[i];
  return undefined;
}

/** Everything the file knows. */
export function factsFromFile(s: Subject, d: Dataset, sums: Sums, unit: Unit): Facts {
  const places = placesOf(s, d), q = model.question.value, keys = model.keys.value;
  return places ? ofPlaces(s, d, sums, unit, places, { keys, places: both(places, q.places), mask: q.details }) : ofDetails(s, d, unit, { keys, places: q.places, mask: q.details });
}

function both(a: Uint8Array, b: Uint8Array | undefined): Uint8Array {
  return b ? a.map((v, i) => v & b[i]) : a;
}

function ofPlaces(s: Subject, d: Dataset, sums: Sums, unit: Unit, places: Uint8Array, which: Which): Facts {
  const f: Facts = { packets: [0, 0], bytes: [0, 0], labels: [], parts: [] };
  for (let i = 0; i < d.places.n; i++) {
    if (!places[i]) continue;
    for (const k of [0, 1] as const) (f.packets[k] += sums.packets[k][i]), (f.bytes[k] += sums.bytes[k][i]);
  }
  const [from, to] = model.bins.value, course = which.mask ? undefined : courseOf(d, places, which.keys, from, to); // details keep no course
  if (course) (f.course = course), (f.opens = course.opens), (f.first = course.first), (f.last = course.last);
  if (s.tab === "country") f.parts.push({ tab: "place", title: titles.place, ...placeItems(d, sums, unit, "unit", short, places) });
  if (d.details.n === 0) f.note = "This file carries places only. For addresses ask the sensor, or export with --detail addresses.";
  else if (which.mask) f.note = "For what is behind this filter here, ask the sensor.";
  else f.parts.push(...(["network", "address", "peer", "port"] as Tab[]).map((tab) => part(d, tab, which, unit)));
  if (!f.note && (model.range.value[1] - model.range.value[0] < model.windowBins.value[1] - model.windowBins.value[0])) f.note = "Networks, addresses, peers and ports are over the whole file: it keeps no times for them.";
  f.parts = f.parts.filter((p) => p.items.length > 0);
  return f;
}

function part(d: Dataset, tab: Tab, which: Which, unit: Unit): Part {
  return { tab, title: titles[tab], ...detailItems(d, kindOf[tab]!, which, unit, "unit", short) };
}

/** Of what only details tell. */
function ofDetails(s: Subject, d: Dataset, unit: Unit, which: Which): Facts {
  const kind = kindOf[s.tab]!, t = d.details;
  const own: Which = { ...which, test: (i) => detailKey(d, i) === s.key };
  const item = detailItems(d, kind, own, unit, "unit", 1).items[0];
  const f: Facts = { packets: item?.packets ?? [0, 0], bytes: item?.bytes ?? [0, 0], first: item?.first, last: item?.last, labels: item?.labels ?? [], parts: [] };
  const places = new Map<number, Item>();
  for (let i = 0; i < t.n; i++) {
    if (t.kind[i] !== kind || !((which.keys >> t.key[i]) & 1) || (which.places && !which.places[t.place[i]]) || detailKey(d, i) !== s.key) continue;
    const at = t.place[i], out = t.key[i] & 1;
    let line = places.get(at);
    if (!line) places.set(at, (line = { ...placeLine(d, at), packets: [0, 0], bytes: [0, 0] }));
    line.packets[out] += t.packets[i];
    line.bytes[out] += t.bytes[i];
    f.opens = (f.opens ?? 0) + t.opens[i];
    if (kind === kinds.address && t.number[i]) f.network = `${networkName(d, t.number[i]) ?? ""} AS${t.number[i]}`.trim();
  }
  const lines = [...places.values()].sort((a, b) => b[unit][0] + b[unit][1] - a[unit][0] - a[unit][1]);
  if (lines.length) f.parts.push({ tab: "place", title: titles.place, items: lines.slice(0, short), count: lines.length });
  if (s.tab === "network") {
    const members = part(d, "address", { ...which, mask: undefined, test: (i) => t.number[i] === Number(s.key) }, unit);
    if (members.items.length) f.parts.push(members);
  }
  f.note = item ? `Over the whole file. For the course of time${s.tab === "network" ? ", peers and ports" : ` and what else this ${nouns[s.tab][0]} did`}, ask the sensor.` : `Nothing of this ${nouns[s.tab][0]} is in the file${which.mask ? " under this filter" : ""}: ask the sensor.`;
  return f;
}

function placeLine(d: Dataset, at: number): Omit<Item, "packets" | "bytes"> {
  const p = d.places, nowhere = !p.located[at] && !p.country[at];
  const key = `${p.located[at] ? `${p.lat[at].toFixed(4)},${p.lon[at].toFixed(4)}` : ""}|${p.country[at]}|${p.region[at]}|${p.city[at]}`;
  return { key, label: nowhere ? "Not located" : placeName(p, at, countryName), note: p.city[at] || p.region[at] ? countryName(p.country[at]) : "", place: nowhere ? undefined : key };
}

interface SeriesAnswer { step: number; bins: { time: string; direction: "in" | "out"; packets: number; bytes: number; opens?: number }[]; window: { from: string; to: string } }

/** The same from the sensor, which knows all of it. */
export async function factsFromSensor(s: Subject, d: Dataset): Promise<Facts> {
  const term = termOf(s, d);
  if (!term) throw new Error(`There is no filter for what has no ${nouns[s.tab][0]}.`);
  const tabs = (["place", "network", "address", "peer", "port"] as Tab[]).filter((t) => t !== s.tab && !(s.tab === "address" && (t === "network" || t === "place")));
  const own = s.tab === "place" ? "country" : dimensionOf[s.tab];
  const [self, series, ...cuts] = await Promise.all([
    json<TopAnswer>("top", { by: own, n: "1", ...shownQuery(term) }), json<SeriesAnswer>("series", shownQuery(term)).catch(() => undefined), ...tabs.map((t) => ask(dimensionOf[t], short, shownUnit.value, term)),
  ]);
  const row = self.rows[0], item = row && itemOf(own, row, d), course = series && courseFrom(series);
  return {
    packets: item?.packets ?? [0, 0], bytes: item?.bytes ?? [0, 0], opens: row?.opens, first: item?.first, last: item?.last, labels: (s.tab !== "place" && row?.labels) || [],
    place: s.tab === "address" && row?.city ? [row.city, row.country && countryName(row.country)].filter(Boolean).join(", ") : undefined,
    network: row?.asn ? `${row.as_org ?? ""} AS${row.asn}`.trim() : undefined, course,
    parts: tabs.map((tab, i) => ({ tab, title: titles[tab], ...cuts[i] })).filter((p) => p.items.length > 0),
  };
}

function courseFrom(a: SeriesAnswer): Course | undefined {
  const step = a.step * 1000, times = a.bins.map((b) => Date.parse(b.time));
  const start = Date.parse(a.window?.from), from = Number.isFinite(start) && start > 0 ? Math.floor(start / step) * step : Math.min(...times);
  const until = Date.parse(a.window?.to), to = Number.isFinite(until) && until > from ? until : Math.max(...times) + step;
  const n = Math.ceil((to - from) / step);
  if (!(n > 0) || n > 1e5) return undefined;
  const c: Course = { from, step, packets: [new Float64Array(n), new Float64Array(n)], bytes: [new Float64Array(n), new Float64Array(n)], first: NaN, last: NaN, opens: 0 };
  a.bins.forEach((b, i) => {
    const at = Math.floor((times[i] - from) / step), k = b.direction === "out" ? 1 : 0;
    if (at < 0 || at >= n) return;
    c.packets[k][at] += b.packets;
    c.bytes[k][at] += b.bytes;
  });
  return c;
}
