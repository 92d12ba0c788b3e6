// The filter language, as far as a saved file can answer it: places (country,
// city, region, place), protocol and direction from the rows; address, peer, port
// and network from the details that the file carries. Live, the sensor answers.

import { kinds } from "./codec";
import type { Dataset } from "./dataset";
import { coordinates } from "./dataset";

interface Term { key: string; values: string[]; not: boolean }

export interface Question {
  keys: number; // rows whose key has its bit set
  places?: Uint8Array; // undefined: all
  /** Details to sum instead of rows; undefined: the rows. */
  details?: Uint8Array;
  error?: string; // in words, with what to do
}

const all = 0xffff;
const rowKeys = ["country", "city", "region", "place", "proto", "dir"];
const detailKeys: Record<string, number> = { ip: kinds.address, peer: kinds.peer, port: kinds.port, asn: kinds.as };
const sensorKeys = ["host", "opened", "sensor", "unanswered", "org"];

/** Splits into terms; spaces inside quotes belong to the value. */
export function terms(text: string): Term[] | string {
  const out: Term[] = [];
  for (const word of text.match(/(?:"[^"]*"?|[^\s"])+/g) ?? []) {
    const m = /^(-?)([a-z]+):(.+)$/i.exec(word);
    if (!m) return `“${word}” is not a filter: write key:value, for example country:DE or port:443`;
    const values = m[3].match(/(?:"[^"]*"?|[^,"])+/g) ?? [];
    out.push({ not: m[1] === "-", key: m[2].toLowerCase(), values: values.map((v) => v.replaceAll('"', "").toLowerCase()) });
  }
  return out;
}

/** Works out which rows, places or details a filter leaves. */
export function ask(d: Dataset, text: string): Question {
  const q: Question = { keys: all };
  const list = terms(text);
  if (typeof list === "string") return { ...q, error: list };
  for (const t of list) {
    if (t.key === "place" && t.values.length === 2) t.values = [t.values.join(",")];
    if (t.key === "proto" || t.key === "dir") {
      const keys = rowMask(t);
      if (typeof keys === "string") return { ...q, error: keys };
      q.keys &= t.not ? all & ~keys : keys;
    } else if (rowKeys.includes(t.key)) {
      q.places ??= new Uint8Array(d.places.n).fill(1);
      for (let i = 0; i < d.places.n; i++) if (placeMatches(d, i, t) === t.not) q.places[i] = 0;
    } else if (t.key === "label") {
      const error = byLabel(d, t, q);
      if (error) return { ...q, error };
    } else if (t.key in detailKeys) {
      const error = byDetails(d, t, q);
      if (error) return { ...q, error };
    } else if (sensorKeys.includes(t.key)) {
      return { ...q, error: `This file does not carry what “${t.key}:” asks for: ask the sensor.` };
    } else {
      return { ...q, error: `“${t.key}:” is not known; there are ${[...rowKeys, ...Object.keys(detailKeys), "label"].join(", ")}` };
    }
  }
  return q;
}

function rowMask(t: Term): number | string {
  let keys = 0;
  for (const v of t.values) {
    if (t.key === "dir") {
      if (v !== "in" && v !== "out") return "“dir:” is in or out";
      keys |= v === "in" ? 0x5555 : 0xaaaa;
    } else {
      const p = ["tcp", "udp", "icmp", "other"].indexOf(v === "icmpv6" ? "icmp" : v);
      if (p < 0) return `This file tells tcp, udp, icmp and other apart; for “${v}” ask the sensor.`;
      keys |= 0x303 << (2 * p);
    }
  }
  return keys;
}

function placeMatches(d: Dataset, i: number, t: Term): boolean {
  const p = d.places;
  const field = { country: p.country, city: p.city, region: p.region }[t.key as "country"];
  const value = field ? field[i].toLowerCase() : p.located[i] ? coordinates(p, i) : "";
  return value !== "" && t.values.some((v) => v === value || (!field && near(v, value)));
}

/** Coordinates are equal as numbers: 52.5 is 52.5000. */
function near(a: string, b: string): boolean {
  const x = a.split(",").map(Number), y = b.split(",").map(Number);
  return x.length === 2 && Math.abs(x[0] - y[0]) < 5e-5 && Math.abs(x[1] - y[1]) < 5e-5;
}

/** Details are sums over one thing each: two kinds of them cannot be combined. */
function byDetails(d: Dataset, t: Term, q: Question): string | undefined {
  const kind = detailKeys[t.key], { details } = d;
  if (details.n === 0) return `This file carries places only: for “${t.key}:” ask the sensor.`;
  if (t.not) return `This file cannot leave out “${t.key}:”: ask the sensor.`;
  const tests = t.values.map((v) => detailTest(t.key, v));
  const bad = tests.findIndex((f) => !f);
  if (bad >= 0) return `“${t.values[bad]}” is not ${t.key === "port" ? "a port" : t.key === "asn" ? "an AS number" : "an address or network"}`;
  const mask = new Uint8Array(details.n);
  for (let i = 0; i < details.n; i++)
    if (details.kind[i] === kind && tests.some((f) => f!(details.name[i], details.number[i]))) mask[i] = 1;
  if (q.details) return "This file cannot combine two of ip, peer, port and asn: ask the sensor.";
  q.details = mask;
  return undefined;
}

/** Rows tell big clouds apart; other labels are those of addresses, or of peers where no address has them. */
function byLabel(d: Dataset, t: Term, q: Question): string | undefined {
  const known = d.meta.labels ?? [], { details } = d;
  if (d.meta.clouds && t.values.length === 1 && t.values[0] === "cloud") {
    q.keys &= t.not ? 0x00ff : 0xff00;
    return undefined;
  }
  const bits = t.values.map((v) => known.findIndex((l) => l.toLowerCase() === v));
  const bad = bits.indexOf(-1);
  if (bad >= 0) return known.length ? `No address in this file has the label “${t.values[bad]}”; there are ${known.join(", ")}` : "This file carries no labels: ask the sensor.";
  if (t.not) return "This file cannot leave out “label:”: ask the sensor.";
  if (q.details) return "This file cannot combine two of ip, peer, port, asn and label: ask the sensor.";
  const has = (i: number, kind: number) => details.kind[i] === kind && bits.some((b) => (details.labels[i] / 2 ** b) & 1);
  const of = (kind: number) => Uint8Array.from({ length: details.n }, (_, i) => (has(i, kind) ? 1 : 0));
  const addresses = of(kinds.address);
  q.details = addresses.includes(1) ? addresses : of(kinds.peer);
  return undefined;
}

type Test = (name: string, number: number) => boolean;

function detailTest(key: string, v: string): Test | undefined {
  if (key === "port") {
    const m = /^(\d+)(?:-(\d+))?$/.exec(v);
    return m ? (_, n) => n >= +m[1] && n <= +(m[2] ?? m[1]) : undefined;
  }
  if (key === "asn") {
    const m = /^(?:as)?(\d+)$/.exec(v);
    return m ? (_, n) => n === +m[1] : undefined;
  }
  const net = parseNet(v);
  return net ? (name) => contains(net, name) : undefined;
}

interface Net { bits: bigint; size: number; length: number }

/** An address or CIDR, either family. */
export function parseNet(text: string): Net | undefined {
  const [address, slash] = text.split("/");
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  let bits: bigint | undefined;
  let size = 128;
  if (v4) {
    size = 32;
    bits = v4.slice(1).reduce((a, x) => (a << 8n) | BigInt(x), 0n);
    if (v4.slice(1).some((x) => +x > 255)) return undefined;
  } else if (/^[0-9a-f:]+$/.test(address) && address.includes(":")) {
    const [head, tail, more] = address.split("::");
    const groups = (s: string | undefined) => (s ? s.split(":") : []);
    const a = groups(head), b = groups(tail);
    const gap = 8 - a.length - b.length;
    if (more !== undefined || (tail === undefined ? gap !== 0 : gap < 1)) return undefined;
    const full = [...a, ...Array<string>(tail === undefined ? 0 : gap).fill("0"), ...b];
    if (full.some((g) => !/^[0-9a-f]{1,4}$/.test(g))) return undefined;
    bits = full.reduce((n, g) => (n << 16n) | BigInt(parseInt(g, 16)), 0n);
  }
  const length = slash === undefined ? size : Number(slash);
  if (bits === undefined || !Number.isInteger(length) || length < 0 || length > size) return undefined;
  return { bits, size, length };
}

/** Does all of what the name says (an address or a CIDR) lie in the net? */
function contains(net: Net, name: string): boolean {
  const other = parseNet(name);
  if (!other || other.size !== net.size || other.length < net.length) return false;
  const drop = BigInt(net.size - net.length);
  return other.bits >> drop === net.bits >> drop;
}
