// The list beside the map: the same sums by place, country, network, address,
// peer or port. A saved file answers from what it carries; live, the sensor is
// asked for what the rows do not tell.

import { computed, effect, signal } from "@preact/signals";
import { kinds } from "./codec";
import { coordinates, placeKey, placeName, type Dataset } from "./dataset";
import { countryName, share } from "./format";
import { asked, json, windowQuery } from "./live";
import * as model from "./model";
import { service } from "./services";
import * as s from "./state";
import { top, type Item, type Sums, type Unit } from "./sums";

/** Rows a list shows; the map and the files carry the rest. */
export const shown = 200;

const size = (i: Item) => i.in + i.out;

export function placeItems(d: Dataset, sums: Sums, unit: Unit): Item[] {
  const p = d.places, [a, b] = sums[unit], some: number[] = [];
  for (let i = 0; i < p.n; i++) if (a[i] + b[i] > 0) some.push(i);
  return top(some, shown, (i) => a[i] + b[i]).map((i) => {
    const nowhere = !p.located[i] && !p.country[i];
    const label = nowhere ? "Not located" : placeName(p, i, countryName);
    const note = nowhere ? "no place known for these addresses" : p.city[i] || p.region[i] ? countryName(p.country[i]) : "country only";
    return { key: placeKey(p, i), label, note, in: a[i], out: b[i], place: nowhere ? undefined : i };
  });
}

export function countryItems(d: Dataset, sums: Sums, unit: Unit): Item[] {
  const [a, b] = sums[unit], by = new Map<string, Item>();
  for (let i = 0; i < d.places.n; i++) {
    if (!(a[i] + b[i] > 0)) continue;
    const code = d.places.country[i];
    let item = by.get(code);
    if (!item) by.set(code, (item = { key: code, label: code ? countryName(code) : "Not located", note: "", in: 0, out: 0 }));
    item.in += a[i];
    item.out += b[i];
  }
  const all = [...by.values()].reduce((n, i) => n + size(i), 0);
  return top([...by.values()], shown, size).map((i) => ({ ...i, note: share(size(i), all) }));
}

/** Sums of one kind of detail, at one place or all. */
export function detailItems(d: Dataset, kind: number, keys: number, unit: Unit, place = -1, limit = shown, places?: Uint8Array): Item[] {
  const t = d.details, by = new Map<string, Item>(), amounts = t[unit];
  for (let i = 0; i < t.n; i++) {
    if (t.kind[i] !== kind || !((keys >> t.key[i]) & 1)) continue;
    if (place >= 0 ? t.place[i] !== place : places && !places[t.place[i]]) continue;
    const proto = (t.key[i] >> 1) & 3;
    const key = kind === kinds.port ? `${s.protocols[proto]}/${t.number[i]}` : kind === kinds.as ? String(t.number[i]) : t.name[i];
    let item = by.get(key);
    if (!item) {
      item = { key, label: detailLabel(kind, t.name[i], t.number[i], proto), note: "", in: 0, out: 0 };
      if (kind === kinds.as) item.note = t.number[i] ? `AS${t.number[i]}` : "";
      if (kind === kinds.address) item.note = countryName(d.places.country[t.place[i]]);
      if (kind === kinds.port) item.note = t.number[i] ? s.protocols[proto].toUpperCase() : "no port";
      if (t.labels[i]) item.labels = labelsOf(d, t.labels[i]);
      by.set(key, item);
    }
    if (t.key[i] & 1) item.out += amounts[i];
    else item.in += amounts[i];
  }
  return top([...by.values()], limit, size);
}

/** The names of the labels whose bits are set. */
export function labelsOf(d: Dataset, bits: number): string[] {
  return (d.meta.labels ?? []).filter((_, i) => (bits / 2 ** i) & 1);
}

function detailLabel(kind: number, name: string, number: number, proto: number): string {
  if (kind === kinds.port) return number ? service(number, proto) : s.protocols[proto].toUpperCase();
  if (kind === kinds.as) return name || (number ? `AS${number}` : "Not known");
  return name;
}

const kindOf: Partial<Record<s.Tab, number>> = { network: kinds.as, address: kinds.address, peer: kinds.peer, port: kinds.port };
const byOf: Partial<Record<s.Tab, string>> = { network: "asn", address: "ip", peer: "peer", port: "port" };

interface Answer { rows: Row[] }
interface Row { key: string; label?: string; country?: string; as_org?: string; proto?: string; packets: number; bytes: number; in?: Part; out?: Part; labels?: string[] }
interface Part { packets: number; bytes: number }

/** One row of the sensor's answer as the list shows it. */
function itemOf(by: string, r: Row, unit: Unit): Item {
  const item: Item = { key: r.key, label: r.label || r.key, note: r.country && by === "ip" ? countryName(r.country) : "", in: r.in?.[unit] ?? r[unit], out: r.out?.[unit] ?? 0, labels: r.labels };
  if (by === "asn") {
    const number = r.key.replace(/^as/i, "");
    item.label = r.as_org || (number ? (r.label ?? "").replace(/^AS\d+\s*/i, "") || `AS${number}` : "Not known");
    item.note = number ? `AS${number}` : "";
  }
  if (by === "port") {
    item.key = `${r.proto ?? ""}/${r.key}`;
    const proto = (r.proto ?? "").toUpperCase(), port = Number(r.key);
    item.label = port ? service(port, r.proto === "udp" ? 1 : 0) : proto;
    item.note = port ? proto : "no port";
  }
  return item;
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

function timeQuery(): Record<string, string> {
  const b = s.brush.value;
  return b ? { from: new Date(b[0]).toISOString(), to: new Date(b[1]).toISOString() } : windowQuery();
}

/** Asks the sensor for its largest by something. */
export async function ask(by: string, n: number, ...more: string[]): Promise<Item[]> {
  const filter = sensorFilter(...more);
  const a = await json<Answer>("top", { by, n: String(n), ...timeQuery(), ...(filter && { filter }) });
  return a.rows.map((r) => itemOf(by, r, s.unit.value));
}

const remote = signal<{ tab: s.Tab; items: Item[]; error?: string } | null>(null);

export interface Listing { items: Item[]; message?: string }

/** What the list shows now. */
export const listing = computed<Listing>(() => {
  model.revision.value;
  const d = model.dataset.value, sums = model.sums.value, tab = s.tab.value, unit = s.unit.value;
  if (!d || !sums) return { items: [] };
  if (tab === "place") return { items: placeItems(d, sums, unit) };
  if (tab === "country") return { items: countryItems(d, sums, unit) };
  if (model.live.value) {
    const r = remote.value;
    return r && r.tab === tab ? { items: r.items, message: r.error } : { items: [], message: "Asking the sensor …" };
  }
  if (d.details.n === 0) return { items: [], message: "This file carries places only. Ask the sensor, or export with --detail addresses." };
  const items = detailItems(d, kindOf[tab]!, model.keys.value, unit, -1, shown, model.question.value.places);
  return { items, message: s.brush.value ? "Over the whole file: it keeps no times for these." : undefined };
});

/** Keeps the asked lists fresh: at once on a change of question, else with the ticks. */
export function follow(): void {
  let timer = 0, asked = 0;
  effect(() => {
    const tab = s.tab.value, by = byOf[tab];
    model.revision.value;
    if (!model.live.value || !by || !model.dataset.value) return;
    sensorFilter(), timeQuery(), s.unit.value; // read, so that their changes ask again
    clearTimeout(timer);
    timer = setTimeout(() => {
      const mine = ++asked;
      ask(by, shown).then(
        (items) => mine === asked && (remote.value = { tab, items }),
        (e: Error) => mine === asked && (remote.value = { tab, items: [], error: e.message }),
      );
    }, 120) as unknown as number;
  });
}

/** The card's lists of one place. */
export interface CardLists { networks: Item[]; addresses: Item[]; peers: Item[]; ports: Item[] }

export function cardFromFile(d: Dataset, place: number, keys: number, unit: Unit): CardLists {
  const of = (kind: number) => detailItems(d, kind, keys, unit, place, 8);
  return { networks: of(kinds.as), addresses: of(kinds.address), peers: of(kinds.peer), ports: of(kinds.port) };
}

/** The same from the sensor. A place without coordinates is asked for by country. */
export async function cardFromSensor(d: Dataset, place: number): Promise<CardLists> {
  const p = d.places;
  const term = p.located[place] ? `place:${coordinates(p, place)}` : `country:${p.country[place]}`;
  const [networks, addresses, peers, ports] = await Promise.all(["asn", "ip", "peer", "port"].map((by) => ask(by, 8, term)));
  return { networks, addresses, peers, ports };
}
