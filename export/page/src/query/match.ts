// Does a filter hold for a point? The same as package store's Term.Match.

import type { Term } from "./language";
import { contains, parseNet, type Net } from "./nets";

/** What filters ask about. A missing field never matches, so that its negation does. */
export interface Point {
  ip?: Net; peer?: Net; dir: "in" | "out"; proto: number; port?: number; asn: number; opens: number;
  spot?: [number, number]; country: string; region: string; city: string; sensor: string; labels: string[];
}

export function matches(terms: readonly Term[], p: Point): boolean {
  return terms.every((t) => holds(t, p) !== t.not);
}

/** The term without its negation. */
export function holds(t: Term, p: Point): boolean {
  switch (t.key) {
    case "proto": return inRanges(t, p.proto);
    case "port": return p.port !== undefined && inRanges(t, p.port);
    case "asn": return p.asn !== 0 && inRanges(t, p.asn);
    case "ip": return inNets(t, p.ip);
    case "peer": return inNets(t, p.peer);
    case "host": return inNets(t, p.ip) || inNets(t, p.peer);
    case "dir": return t.dirs.includes(p.dir);
    case "opened": return p.opens > 0 && t.dirs.includes(p.dir);
    case "place": return atSpot(t, p.spot);
    case "label": return p.labels.some((l) => t.words.includes(l.toLowerCase()));
    default: return isWord(t, p[t.key]);
  }
}

export function inRanges(t: Term, n: number): boolean {
  return t.ranges.some(([low, high]) => low <= n && n <= high);
}

export function inNets(t: Term, n: Net | undefined): boolean {
  return n !== undefined && t.networks.some((net) => contains(net, n));
}

/** Half of the last of the four decimals that places keep. */
const tolerance = 5e-5;

export function atSpot(t: Term, spot: [number, number] | undefined): boolean {
  return spot !== undefined && t.spots.some(([lat, lon]) => Math.abs(lat - spot[0]) <= tolerance && Math.abs(lon - spot[1]) <= tolerance);
}

export function isWord(t: Term, word: string): boolean {
  return word !== "" && t.words.includes(word.toLowerCase());
}

/** An address as answers print it; "" is none. */
export const endpoint = (text: string) => (text ? parseNet(text) : undefined);
