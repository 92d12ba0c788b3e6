// What a saved file can answer of a filter: places, protocol class, direction, big
// clouds and the sensor from its rows; address, peer, port, network and labels from
// its details, one kind of them at a time. What it does not carry, the sensor knows.

import { kinds, type Details } from "./codec";
import { coordinates, type Dataset } from "./dataset";
import { share } from "./format";
import { print, read, type Key, type Mistake, type Term } from "./query/language";
import { atSpot, inNets, inRanges, isWord } from "./query/match";
import { parseNet, single, type Net } from "./query/nets";
import { classOf } from "./query/protocols";

export interface Question {
  keys: number; // rows whose key has its bit set
  places?: Uint8Array; // undefined: all
  /** Details to sum instead of rows; undefined: the rows. */
  details?: Uint8Array;
  error?: string; // in words, with what to do; then nothing is left out
  mistake?: Mistake; // the same, and where it stands in the filter
  note?: string; // how the answer is less than exact
}

const all = 0xffff;

/** A term that this file cannot answer. */
class Unknown extends Error {
  constructor(readonly term: Term, why: string) {
    super(why);
  }
}

/** Works out which rows, places or details a filter leaves. */
export function ask(d: Dataset, text: string): Question {
  const { terms, mistake } = read(text);
  if (mistake) return { keys: all, error: mistake.text, mistake };
  try {
    return answer(d, terms);
  } catch (e) {
    if (!(e instanceof Unknown)) throw e;
    const { start, end } = e.term;
    return { keys: all, error: e.message, mistake: { text: e.message, start, end, fix: "" } };
  }
}

function answer(d: Dataset, terms: readonly Term[]): Question {
  const q: Question = { keys: all };
  const fine: Term[] = [], notes: string[] = [];
  for (const t of terms) {
    const keys = rowKeys(d, t, notes);
    if (keys !== undefined) q.keys &= t.not ? all & ~keys : keys;
    else if (t.key in placeTests) byPlace(d, t, (q.places ??= new Uint8Array(d.places.n).fill(1)));
    else fine.push(t);
  }
  if (fine.length) q.details = byDetails(d, fine, notes);
  if (notes.length) q.note = notes.join(" ");
  return q;
}

/** The keys of rows for which a term holds; undefined if they do not tell. */
function rowKeys(d: Dataset, t: Term, notes: string[]): number | undefined {
  switch (t.key) {
    case "dir": return (t.dirs.includes("in") ? 0x5555 : 0) | (t.dirs.includes("out") ? 0xaaaa : 0);
    case "proto": return protocolKeys(t, notes);
    case "sensor": return sensorKeys(d, t);
    case "label": return d.meta.clouds && t.words.every((w) => w === "cloud") ? 0xff00 : undefined;
    case "opened": throw new Unknown(t, "This file does not tell who opened a connection: ask the sensor.");
    default: return undefined;
  }
}

/** Rows tell four classes of protocols apart. */
function protocolKeys(t: Term, notes: string[]): number {
  const inside = [0, 0, 0, 0], outside = [0, 0, 0, 0];
  for (let n = 0; n < 256; n++) (inRanges(t, n) ? inside : outside)[classOf(n)]++;
  if (inside[3] && outside[3]) throw new Unknown(t, `This file tells tcp, udp, icmp and other apart; for “${print([t])}” ask the sensor.`);
  if (inside[2] && outside[2]) notes.push("This file does not tell ICMP from ICMPv6: both are taken.");
  return inside.reduce((keys, n, c) => (n ? keys | (0x303 << (2 * c)) : keys), 0);
}

/** A file of one sensor is all of it; of several, nobody knows which row is whose. */
function sensorKeys(d: Dataset, t: Term): number {
  const names = d.meta.sensor.split(", "), matching = names.filter((n) => isWord(t, n));
  if (matching.length && matching.length < names.length) throw new Unknown(t, "This file does not tell its sensors apart: ask them.");
  return matching.length ? all : 0;
}

type PlaceTest = (i: number) => boolean;

const placeTests: Partial<Record<Key, (d: Dataset, t: Term) => PlaceTest>> = {
  country: (d, t) => named(t, d.places.country),
  region: (d, t) => named(t, d.places.region),
  city: (d, t) => named(t, d.places.city),
  place: (d, t) => (i) => d.places.located[i] === 1 && atSpot(t, coordinates(d.places, i).split(",").map(Number) as [number, number]),
};

/** Thousands of places bear a few hundred names: each is looked at once. */
function named(t: Term, names: readonly string[]): PlaceTest {
  const known = new Map<string, boolean>();
  return (i) => {
    let is = known.get(names[i]);
    if (is === undefined) known.set(names[i], (is = isWord(t, names[i])));
    return is;
  };
}

function byPlace(d: Dataset, t: Term, places: Uint8Array): void {
  const test = placeTests[t.key]!(d, t);
  for (let i = 0; i < d.places.n; i++) if (test(i) === t.not) places[i] = 0;
}

const words = ["address", "peer", "port", "network"];

/** The kinds of details that can answer a term, the best first. */
function kindsOf(d: Dataset, t: Term): number[] {
  switch (t.key) {
    case "ip": return [kinds.address];
    case "peer": return [kinds.peer];
    case "port": return [kinds.port];
    case "asn": return t.not ? [kinds.address, kinds.as] : [kinds.as, kinds.address]; // addresses without an AS count, too
    case "label": return labelled(d, t);
    default: return [];
  }
}

/** Details are sums over one thing each: all terms must be about the same. */
function byDetails(d: Dataset, terms: readonly Term[], notes: string[]): Uint8Array {
  const { details } = d, [first] = terms;
  if (details.n === 0) throw new Unknown(first, `This file carries places only: for “${first.key}:” ask the sensor, or export with --detail addresses.`);
  if (terms.length === 1 && first.key === "host" && !first.not && first.networks.every(single)) return byHost(details, first);
  let able = terms.length ? kindsOf(d, first) : [];
  for (const t of terms) {
    const both = able.filter((k) => kindsOf(d, t).includes(k));
    if (!both.length) throw new Unknown(t, t.key === "host" ? "This file knows “host:” of single addresses only: ask the sensor." : `This file cannot combine “${first.key}:” and “${t.key}:”: ask the sensor.`);
    able = both;
  }
  const kind = able[0], mask = new Uint8Array(details.n);
  for (let i = 0; i < details.n; i++) if (details.kind[i] === kind && terms.every((t) => holds(d, i, t) !== t.not)) mask[i] = 1;
  const { named, packets } = shares(d, kind);
  if (named < packets) notes.push(`This file names the ${words[kind]} of ${share(named, packets)} of its packets; the others are left out.`);
  return mask;
}

/** An address is at either end, never at both: the two kinds add up. */
function byHost(details: Details, t: Term): Uint8Array {
  const nets = netsOf(details), mask = new Uint8Array(details.n);
  for (let i = 0; i < details.n; i++) if (details.kind[i] <= kinds.peer && inNets(t, nets[i])) mask[i] = 1;
  return mask;
}

/** Does a term hold for a detail, its negation aside? */
function holds(d: Dataset, i: number, t: Term): boolean {
  const { details } = d;
  switch (t.key) {
    case "port": return inRanges(t, details.number[i]);
    case "asn": return details.number[i] !== 0 && inRanges(t, details.number[i]);
    case "label": return labelBits(d, t).some((b) => (details.labels[i] / 2 ** b) & 1);
    default: return inNets(t, netsOf(details)[i]);
  }
}

/** The bits of a term's labels. */
function labelBits(d: Dataset, t: Term): number[] {
  return (d.meta.labels ?? []).flatMap((l, b) => (t.words.includes(l.toLowerCase()) ? [b] : []));
}

/** Labels are those of addresses, or of peers where no address has them. */
function labelled(d: Dataset, t: Term): number[] {
  const known = d.meta.labels ?? [], { details } = d;
  if (!known.length) throw new Unknown(t, "This file carries no labels: ask the sensor.");
  const strange = t.values.find((v) => !known.some((l) => l.toLowerCase() === v.toLowerCase()));
  if (strange !== undefined) throw new Unknown(t, `No address in this file has the label “${strange}”; there are ${known.join(", ")}.`);
  const bits = labelBits(d, t);
  for (let i = 0; i < details.n; i++) if (details.kind[i] === kinds.address && bits.some((b) => (details.labels[i] / 2 ** b) & 1)) return [kinds.address];
  return [kinds.peer];
}

/** Parsed once: reading twenty thousand addresses takes longer than matching them. */
const parsed = new WeakMap<Details, (Net | undefined)[]>();
function netsOf(details: Details): (Net | undefined)[] {
  let nets = parsed.get(details);
  if (!nets) parsed.set(details, (nets = details.name.map((name, i) => (details.kind[i] <= kinds.peer ? parseNet(name) : undefined))));
  return nets;
}

/** How many packets the details of a kind name, of how many. */
export function shares(d: Dataset, kind: number): { named: number; packets: number } {
  const { details, rows } = d;
  let named = 0, packets = 0;
  for (let i = 0; i < details.n; i++) if (details.kind[i] === kind) named += details.packets[i];
  for (let i = 0; i < rows.n; i++) packets += rows.packets[i];
  return { named, packets };
}
