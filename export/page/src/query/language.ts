// The filter language: reads what package store's ParseFilter reads, with the same
// words about mistakes. store/testdata/filter.json holds both to it.

import { nearest } from "./nearest";
import { parseNet, type Net } from "./nets";
import { protocolRanges, protocolWords } from "./protocols";

export const keys = ["proto", "port", "ip", "peer", "host", "country", "region", "city", "place", "asn", "dir", "opened", "sensor", "label"] as const;
export type Key = (typeof keys)[number];

/** One condition. Which of the lists is filled follows from the key. */
export interface Term {
  key: Key;
  not: boolean;
  values: string[]; // as typed, without quotes
  networks: Net[]; // ip, peer, host
  ranges: [number, number][]; // proto, port, asn
  words: string[]; // country, region, city, sensor, label: lower case
  spots: [number, number][]; // place: latitude, longitude
  dirs: ("in" | "out")[]; // dir, opened (them: in, us: out)
  unanswered: boolean; // opened: nothing came the other way in the window, which no point tells by itself
  start: number; // where it stands in the text
  end: number;
}

/** What is wrong, and where: an empty part is something missing. */
export interface Mistake { text: string; start: number; end: number; fix: string }

/** A part of the text, without its quotes where they were taken off. */
interface Piece { text: string; start: number; end: number }

class Wrong extends Error {
  constructor(message: string, readonly at: Piece, readonly fix = "") {
    super(message);
  }
}

export type Read = { terms: Term[]; mistake?: undefined } | { terms?: undefined; mistake: Mistake };

/** Reads a filter. Labels that are not among those given are mistakes; undefined: anything goes. */
export function read(text: string, labels?: readonly string[]): Read {
  try {
    return { terms: words(text).map((w) => term(w, labels)) };
  } catch (e) {
    if (!(e instanceof Wrong)) throw e;
    return { mistake: { text: e.message, start: e.at.start, end: e.at.end, fix: e.fix } };
  }
}

/** The words of a text that can be read as words: no quote is open. */
function words(text: string): Piece[] {
  const { parts, open } = split({ text, start: 0, end: text.length }, " \t\n", true);
  if (open >= 0) throw new Wrong(`filter ${q(text)} has an open quote: close it with "`, { text: "", start: open, end: text.length }, text.slice(open) + '"');
  return parts.filter((p) => p.text !== "");
}

/** Cuts at separators outside of quotes; a backslash inside of them protects what follows. */
export function split(p: Piece, separators: string, keep: boolean): { parts: Piece[]; open: number } {
  const parts: Piece[] = [];
  let part = "", begin = p.start, open = -1, escaped = false;
  for (let i = 0; i < p.text.length; i++) {
    const c = p.text[i], at = p.start + i;
    let syntax = false;
    if (escaped) escaped = false;
    else if (open >= 0 && c === "\\") escaped = syntax = true;
    else if (c === '"') (open = open >= 0 ? -1 : at), (syntax = true);
    else if (open < 0 && separators.includes(c)) {
      parts.push({ text: part, start: begin, end: at });
      part = "";
      begin = at + 1;
      continue;
    }
    if (keep || !syntax) part += c;
  }
  parts.push({ text: part, start: begin, end: p.end });
  return { parts, open };
}

function term(word: Piece, labels?: readonly string[]): Term {
  const not = word.text.startsWith("-");
  const body = not ? { text: word.text.slice(1), start: word.start + 1, end: word.end } : word;
  const colon = body.text.indexOf(":");
  if (colon < 0 || parseNet(body.text)) { // an IPv6 address has colons of its own
    const guess = guessed(body);
    throw new Wrong(`filter term ${q(word.text)} has no key: write key:value, for example ${guess}`, body, guess);
  }
  const name = body.text.slice(0, colon), key = keys.find((k) => k === name.toLowerCase());
  if (!key) throw new Wrong(`filter key ${q(name)} is unknown: use one of ${keys.join(", ")}`, { text: name, start: body.start, end: body.start + colon }, nearest(name, keys));
  const t: Term = { key, not, values: [], networks: [], ranges: [], words: [], spots: [], dirs: [], unanswered: false, start: word.start, end: word.end };
  for (const v of values(key, word.text, { text: body.text.slice(colon + 1), start: body.start + colon + 1, end: body.end })) {
    t.values.push(v.text);
    const wrong = add(t, v.text, labels);
    if (wrong) throw new Wrong(`filter term ${q(word.text)}: ${wrong}`, v, fixed(key, v.text, labels));
  }
  return t;
}

/** The values; a place's own comma stays inside its value. */
function values(key: Key, word: string, p: Piece): Piece[] {
  const { parts } = split(p, ",", false), empty = parts.find((v) => v.text === "");
  if (empty) throw new Wrong(`filter term ${q(word)} has an empty value`, empty);
  if (key !== "place") return parts;
  if (parts.length % 2) { // quoted "LAT,LON" values come whole
    const odd = parts.find((v) => !v.text.includes(","));
    if (odd) throw new Wrong(`filter term ${q(word)} has an odd number of coordinates: write place:48.8534,2.3488`, odd);
    return parts;
  }
  if (parts[0].text.includes(",")) return parts;
  return parts.flatMap((v, i) => (i % 2 ? [] : [{ text: `${v.text},${parts[i + 1].text}`, start: v.start, end: parts[i + 1].end }]));
}

/** Takes a value in; returns what is wrong with it. */
function add(t: Term, v: string, labels?: readonly string[]): string | undefined {
  switch (t.key) {
    case "ip": case "peer": case "host": {
      const net = parseNet(v);
      if (!net) return `${q(v)} is no address or network: write 1.2.3.4, 1.2.3.0/24 or 2001:db8::/32`;
      t.networks.push(net);
      return;
    }
    case "port": return addRange(t, v, 65535, "port");
    case "asn": return addRange(t, v.toUpperCase().replace(/^AS/, ""), 4294967295, "AS number");
    case "proto": {
      const ranges = protocolRanges(v);
      if (!ranges) return `protocol ${q(v.toLowerCase())} is unknown: use tcp, udp, icmp, icmpv6, sctp … or a number from 0 to 255`;
      t.ranges.push(...ranges);
      return;
    }
    case "place": return addSpot(t, v);
    case "dir": return addDirection(t, v, "in", "out");
    case "opened": return addDirection(t, v, "them", "us");
    case "label":
      if (labels && !labels.some((l) => l.toLowerCase() === v.toLowerCase()))
        return labels.length ? `label ${q(v)} is unknown: use one of ${labels.map(quote).join(", ")} (geo.labels adds some)` : "there are no labels here";
  }
  t.words.push(v.toLowerCase());
  return;
}

function addRange(t: Term, v: string, most: number, what: string): string | undefined {
  const m = /^(\d+)(?:-(\d+))?$/.exec(v), low = m ? Number(m[1]) : NaN, high = m ? Number(m[2] ?? m[1]) : NaN;
  if (!(low <= high && high <= most)) return `${q(v)} is no ${what}: write a number up to ${most}, or a range such as 1-1024`;
  t.ranges.push([low, high]);
  return;
}

const degrees = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function addSpot(t: Term, v: string): string | undefined {
  const comma = v.indexOf(",");
  if (comma < 0) return `${q(v)} is no place: write LATITUDE,LONGITUDE, for example 48.8534,2.3488`;
  const [lat, lon] = [v.slice(0, comma), v.slice(comma + 1)].map((s) => (degrees.test(s.trim()) ? Number(s) : NaN));
  if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180)) return `${q(v)} is no place: write LATITUDE,LONGITUDE in degrees, for example 48.8534,2.3488`;
  t.spots.push([lat, lon]);
  return;
}

function addDirection(t: Term, v: string, inward: string, outward: string): string | undefined {
  const word = v.toLowerCase();
  if (t.key === "opened" && word === "unanswered") {
    t.unanswered = true;
    return;
  }
  if (word !== inward && word !== outward) return `${q(v)} is not possible: write ${t.key}:${inward} or ${t.key}:${outward}${t.key === "opened" ? ", or opened:unanswered" : ""}`;
  t.dirs.push(word === inward ? "in" : "out");
  return;
}

/** Turns a bare word into the term that was probably meant. */
function guessed(p: Piece): string {
  const word = split(p, "", false).parts[0].text;
  if (/^[A-Z]{2}$/.test(word)) return "country:" + word;
  if (parseNet(word)) return "ip:" + word;
  if (/^\d+$/.test(word) && Number(word) <= 0xffffffff) return "port:" + word;
  if (word !== "other" && word === word.toLowerCase() && protocolRanges(word)) return "proto:" + word;
  return word ? "city:" + quote(word) : "country:DE";
}

/** The value that was probably meant, or "". */
function fixed(key: Key, v: string, labels: readonly string[] = []): string {
  switch (key) {
    case "ip": case "peer": case "host": return wholeNet(v);
    case "port": case "asn": {
      const m = /^(\d+)-(\d+)$/.exec(v);
      return m ? `${m[2]}-${m[1]}` : "";
    }
    case "proto": return nearest(v, protocolWords);
    case "dir": return nearest(v, ["in", "out"]);
    case "opened": return nearest(v, ["them", "us", "unanswered"]);
    case "label": return quote(nearest(v, labels));
    default: return "";
  }
}

/** 1.2.3, 1.2.3. and 1.2.3.* are 1.2.3.0/24. */
function wholeNet(v: string): string {
  const octets = v.replace(/[.*]+$/, "").split(".");
  if (octets.length > 3) return "";
  const whole = octets.join(".") + ".0".repeat(4 - octets.length) + "/" + 8 * octets.length;
  return parseNet(whole) ? whole : "";
}

/** Prints terms so that they are read the same again. */
export function print(terms: readonly Term[]): string {
  return terms.map((t) => `${t.not ? "-" : ""}${t.key}:${t.values.map(quote).join(",")}`).join(" ");
}

/** A value as it must stand in a filter. */
export function quote(v: string): string {
  return /[ \t\n,"\\]/.test(v) ? `"${v.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : v;
}

/** As Go's %q for what people type. */
function q(s: string): string {
  return JSON.stringify(s);
}
