// Lines of lists from what the file (or the answer to the window) carries.

import { kinds } from "./codec";
import { placeKey, placeName, type Dataset } from "./dataset";
import { countryName, lazy, share } from "./format";
import { service } from "./services";
import { protocols, type Tab } from "./state";
import { top, type Sums, type Unit } from "./sums";
import { toldApart } from "./twins";

/** In and out. */
export type Pair = [number, number];

/** One line of a list. */
export interface Item {
  key: string; // of its subject
  label: string;
  note: string;
  packets: Pair;
  bytes: Pair;
  labels?: string[];
  place?: string; // a placeKey: where it is on the map
  first?: number; // ms; of details, to the bin
  last?: number;
}

/** By what a list is sorted: the unit that is shown, one of the two, a direction, the name. */
export const orders = ["unit", "packets", "bytes", "in", "out", "name"] as const;
export type Order = (typeof orders)[number];

/** What a line weighs in an order; names weigh as the unit does. */
export function weight(i: Item, order: Order, unit: Unit): number {
  const [a, b] = order === "packets" || order === "bytes" ? i[order] : i[unit];
  return order === "in" ? a : order === "out" ? b : a + b;
}

const names = lazy(() => new Intl.Collator("en", { numeric: true, sensitivity: "base" }));

/** The first n in an order. */
export function arranged(items: Item[], order: Order, unit: Unit, n: number): Item[] {
  if (order === "name") return items.sort((a, b) => names().compare(a.label, b.label)).slice(0, n);
  return top(items, n, (i) => weight(i, order, unit));
}

/** A list cut to its first n, and how long it is. */
export interface Cut { items: Item[]; count: number }

export function placeItems(d: Dataset, sums: Sums, unit: Unit, order: Order = "unit", n = 200, only?: Uint8Array): Cut {
  const p = d.places, some: number[] = [];
  const [a, b] = order === "packets" || order === "bytes" ? sums[order] : sums[unit];
  for (let i = 0; i < p.n; i++) if (sums.packets[0][i] + sums.packets[1][i] > 0 && (!only || only[i])) some.push(i);
  const chosen = order === "name" ? some : top(some, n, (i) => (order === "in" ? a[i] : order === "out" ? b[i] : a[i] + b[i]));
  const items = chosen.map((i) => placeItem(d, sums, i));
  return { items: toldApart(order === "name" ? arranged(items, order, unit, n) : items), count: some.length };
}

export function placeItem(d: Dataset, sums: Sums, i: number): Item {
  const p = d.places, nowhere = !p.located[i] && !p.country[i], key = placeKey(p, i);
  const note = nowhere ? "no place known for these addresses" : p.city[i] || p.region[i] ? countryName(p.country[i]) : "country only";
  return {
    key, label: nowhere ? "Not located" : placeName(p, i, countryName), note, place: nowhere ? undefined : key,
    packets: [sums.packets[0][i], sums.packets[1][i]], bytes: [sums.bytes[0][i], sums.bytes[1][i]],
  };
}

export function countryItems(d: Dataset, sums: Sums, unit: Unit, order: Order = "unit", n = 200): Cut {
  const by = new Map<string, Item>(), { country } = d.places, [pin, pout] = sums.packets, [bin, bout] = sums.bytes;
  for (let i = 0; i < d.places.n; i++) {
    if (!(pin[i] + pout[i] > 0)) continue;
    const code = country[i];
    let item = by.get(code);
    if (!item) by.set(code, (item = { key: code, label: code ? countryName(code) : "Not located", note: "", packets: [0, 0], bytes: [0, 0] }));
    add(item.packets, pin[i], pout[i]);
    add(item.bytes, bin[i], bout[i]);
  }
  const all = [...by.values()], whole = all.reduce((m, i) => m + weight(i, "unit", unit), 0);
  return { items: arranged(all, order, unit, n).map((i) => ({ ...i, note: share(weight(i, "unit", unit), whole) })), count: all.length };
}

function add(p: Pair, a: number, b: number): void {
  p[0] += a;
  p[1] += b;
}

/** Which details count: bits of their keys, places, or a mask over the details themselves. */
export interface Which { keys: number; places?: Uint8Array; mask?: Uint8Array; test?: (i: number) => boolean }

/** Details of a kind, added up by what they are about. */
export function detailItems(d: Dataset, kind: number, which: Which, unit: Unit, order: Order = "unit", n = 200): Cut {
  const t = d.details, by = new Map<string, Item>(), homes = new Map<string, number>();
  for (let i = 0; i < t.n; i++) {
    if (t.kind[i] !== kind || !((which.keys >> t.key[i]) & 1)) continue;
    if ((which.places && !which.places[t.place[i]]) || (which.mask && !which.mask[i]) || (which.test && !which.test(i))) continue;
    const key = detailKey(d, i);
    let item = by.get(key);
    if (!item) by.set(key, (item = detailItem(d, i, key)));
    if (homes.get(key) === undefined) homes.set(key, t.place[i]);
    else if (homes.get(key) !== t.place[i]) homes.set(key, -1); // at several places: no ring
    const out = t.key[i] & 1;
    item.packets[out] += t.packets[i];
    item.bytes[out] += t.bytes[i];
    item.first = Math.min(item.first!, d.timeOf(t.first[i]));
    item.last = Math.max(item.last!, d.timeOf(t.last[i] + 1));
  }
  const items = arranged([...by.values()], order, unit, n);
  for (const i of items) {
    const home = homes.get(i.key)!;
    if (home >= 0 && (d.places.located[home] || d.places.country[home])) i.place = placeKey(d.places, home);
  }
  return { items, count: by.size };
}

/** The key of the subject of a detail. */
export function detailKey(d: Dataset, i: number): string {
  const t = d.details;
  if (t.kind[i] === kinds.port) return `${protocols[(t.key[i] >> 1) & 3]}/${t.number[i]}`;
  return t.kind[i] === kinds.as ? String(t.number[i]) : t.name[i];
}

function detailItem(d: Dataset, i: number, key: string): Item {
  const t = d.details, kind = t.kind[i], number = t.number[i], proto = (t.key[i] >> 1) & 3;
  const item: Item = { key, label: t.name[i], note: "", packets: [0, 0], bytes: [0, 0], first: Infinity, last: -Infinity };
  if (t.labels[i]) item.labels = labelsOf(d, t.labels[i]);
  if (kind === kinds.as) {
    item.label = t.name[i] || (number ? `AS${number}` : "Not known");
    item.note = number ? `AS${number}` : "";
  }
  if (kind === kinds.address) item.note = countryName(d.places.country[t.place[i]]);
  if (kind === kinds.port) {
    item.label = number ? service(number, proto) : protocols[proto].toUpperCase();
    item.note = number ? protocols[proto].toUpperCase() : "no port";
  }
  return item;
}

/** The names of the labels whose bits are set. */
export function labelsOf(d: Dataset, bits: number): string[] {
  return (d.meta.labels ?? []).filter((_, i) => (bits / 2 ** i) & 1);
}

/** What a tab's lines are, in words. */
export const nouns: Record<Tab, [string, string]> = {
  place: ["place", "places"], country: ["country", "countries"], network: ["network", "networks"], address: ["address", "addresses"], peer: ["peer", "peers"], port: ["port", "ports"],
};
