// The values that a filter may ask for, from what the page has: the file's places and
// details, and live what the sensor's lists say.

import { computed, signal } from "@preact/signals";
import { kinds } from "./codec";
import type { Dataset } from "./dataset";
import { countryName } from "./format";
import { json, status, windowQuery } from "./live";
import * as model from "./model";
import type { Value, Vocabulary } from "./query/complete";
import type { Key } from "./query/language";
import { services } from "./services";
import { top } from "./sums";

/** Distinct names of something, weighed, the biggest first. */
function weighed(n: number, name: (i: number) => string, weight: (i: number) => number): string[] {
  const by = new Map<string, number>();
  for (let i = 0; i < n; i++) {
    const key = name(i);
    if (key) by.set(key, (by.get(key) ?? 0) + weight(i));
  }
  return top([...by], 5000, ([, w]) => w).map(([key]) => key);
}

/** The weight of each place, whatever is selected now. */
function placeWeights(d: Dataset): Float64Array {
  const out = new Float64Array(d.places.n), { n, place, packets } = d.rows;
  for (let i = 0; i < n; i++) out[place[i]] += packets[i];
  return out;
}

/** Codes that are no country's: of unions, pseudo locales and the unknown. */
const others = new Set(["EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"]);

/** Codes of today's countries; those of past ones are names of these. */
let known: string[] | undefined;
function codes(): string[] {
  const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  return (known ??= letters.flatMap((a) => letters.map((b) => a + b)).filter((c) => countryName(c) !== c && !others.has(c) && new Intl.Locale("und-" + c).region === c));
}

/** All countries of the world, after those that have data. */
export function countries(d: Dataset | null): Value[] {
  const w = d ? placeWeights(d) : [], here = d ? weighed(d.places.n, (i) => d.places.country[i], (i) => w[i]) : [];
  return [...new Set([...here, ...codes()])].map((value) => ({ value, name: countryName(value) }));
}

/** Details of a kind: their names, or for networks and ports their numbers. */
function details(d: Dataset, kind: number): Value[] {
  const t = d.details, named = new Map<string, string>();
  const names = weighed(t.n, (i) => {
    if (t.kind[i] !== kind) return "";
    const key = kind === kinds.as ? String(t.number[i]) : t.name[i];
    if (kind === kinds.as && t.name[i]) named.set(key, t.name[i]);
    return key;
  }, (i) => t.packets[i]);
  return names.map((value) => ({ value, name: named.get(value) }));
}

interface Asked { at: number; list: Value[] }

/** What the sensor was asked for, by dimension; grows as answers come. */
const asked = signal<Record<string, Asked>>({});
const pending = new Set<string>();
const fresh = 60_000;

/** The sensor's biggest of a kind: what is known now; asks for it when that is old. */
function remote(by: "asn" | "ip" | "peer"): Value[] {
  const known = asked.value[by];
  if ((!known || Date.now() - known.at > fresh) && !pending.has(by)) {
    pending.add(by);
    json<{ rows: { key: string; label?: string; as_org?: string }[] }>("top", { by, n: "200", ...windowQuery() })
      .then((a) => a.rows.filter((r) => r.key).map((r) => ({ value: r.key.replace(/^AS/i, ""), name: by === "asn" ? r.as_org || undefined : undefined })), () => [])
      .then((list) => (asked.value = { ...asked.value, [by]: { at: Date.now(), list } }))
      .finally(() => pending.delete(by));
  }
  return known?.list ?? [];
}

/** The labels there are; undefined: not known. */
export function labels(): string[] | undefined {
  if (model.live.value) return status.value.labels;
  const m = model.dataset.value?.meta;
  return m && [...new Set([...(m.clouds ? ["cloud"] : []), ...(m.labels ?? [])])];
}

/** A vocabulary of what the page has now. Its lists are made when they are first asked for, and kept until the data changes; the sensor's come when they come. */
export const vocabulary = (): Vocabulary => current.value;

const current = computed<Vocabulary>(() => {
  model.revision.value;
  const made = new Map<Key, readonly Value[]>(), d = model.dataset.value, asks = model.live.value;
  return (key) => {
    if (asks && ["asn", "ip", "peer", "host"].includes(key)) return make(key, d);
    let list = made.get(key);
    if (!list) made.set(key, (list = make(key, d)));
    return list;
  };
});

function make(key: Key, d: Dataset | null): readonly Value[] {
  const plain = (list: string[]) => list.map((value) => ({ value }));
  switch (key) {
    case "country": return countries(d);
    case "label": return plain(labels() ?? []);
    case "port": return services("").map(([port, name]) => ({ value: String(port), name: `${name} ${port}` }));
    case "sensor": return plain((d?.meta.sensor ?? "").split(", ").filter(Boolean));
    case "asn": return model.live.value ? remote("asn") : d ? details(d, kinds.as) : [];
    case "ip": return model.live.value ? remote("ip") : d ? details(d, kinds.address) : [];
    case "peer": return model.live.value ? remote("peer") : d ? details(d, kinds.peer) : [];
    case "host": return [...make("peer", d), ...make("ip", d)];
    case "city": case "region": {
      if (!d) return [];
      const w = placeWeights(d);
      return plain(weighed(d.places.n, (i) => d.places[key][i], (i) => w[i]));
    }
    default: return [];
  }
}
