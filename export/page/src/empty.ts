// Why the map is empty: from what is known to one sentence and one action. Causes
// are tried in the order in which a person could do something about them.

import { count, date, duration, type Zone } from "./format";
import type { Connection } from "./stream";

export interface Rate { name: string; captured: boolean; perSecond: number | null }

export interface Facts {
  live: boolean;
  zone: Zone;
  connection: Connection;
  /** The sensor does not answer such a question. */
  refused: boolean;
  /** The data of the window is there, and so much of it is shown. */
  data: boolean;
  packets: number;
  unlocated: number;
  /** What would be shown with less asked for; undefined: not known (yet). */
  filter: string;
  switched: boolean; // is any switch of the page off?
  picked: boolean; // is a part of the time selected?
  without: { lastTerm?: number; switches?: number; time?: number };
  /** The window, the part of it in which no sensor ran at all, and the nearest stretch of the same length that has data. */
  window: [number, number];
  off: boolean;
  nearest?: [number, number];
  addressesFrom?: number; // addresses before it are no longer kept
  /** The sensor's books since its start; undefined: no sensor tells. */
  books?: { captured: number; local: number; public: number };
  since?: number; // ms since the sensor's start
  waiting: string[]; // interfaces that cannot be captured on, with the reason
  rates: Rate[];
  geo?: string; // what is wrong with the databases
  message?: string; // the file's, or the sensor's, own words
}

export type Deed = "retry" | "all" | "switches" | "time" | "term" | "go" | "day";
export interface Note { text: string; rates?: Rate[]; deed?: Deed; label?: string; code?: string; hint?: string }

/** Terms of a filter; what is in quotes belongs together. */
export function words(filter: string): string[] {
  return filter.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
}

const plural = (n: number, what: string) => `${count(n)} ${what}${n === 1 ? "" : "s"}`;
const needsAddresses = /(^|\s)-?(ip|peer|host|port|asn|org|opened|label):|unanswered/;

/** One note, or null where the map has something to show. */
export function explain(f: Facts): Note | null {
  if (!f.data) return f.live ? starting(f) : null;
  if (f.packets > 0) return f.unlocated === f.packets ? placeless(f) : null;
  return narrowed(f) ?? (f.off ? wasOff(f) : null) ?? filtered(f) ?? silent(f);
}

function starting(f: Facts): Note {
  if (f.connection === "lost") return { text: "The sensor does not answer; the page keeps trying.", deed: "retry", label: "Try now" };
  if (f.refused) return { text: "The sensor cannot answer this question; why stands above the map.", deed: "all", label: "Show everything" };
  return { text: f.message || "Starting: the first map comes within seconds." };
}

function placeless(f: Facts): Note {
  const why = f.geo ? `: ${f.geo}` : ".";
  return { text: `${plural(f.packets, "packet")} ${f.packets === 1 ? "was" : "were"} seen, but none could be placed on the map${why}`, hint: "What is known of the databases, and how to get one:", code: "packetheat geo status" };
}

/** The page's own switches hide what is there. */
function narrowed(f: Facts): Note | null {
  const { switches, time } = f.without;
  if (switches) return { text: `Nothing is left by the switches above; without them there are ${plural(switches, "packet")}.`, deed: "switches", label: "Show all kinds of traffic" };
  if (time && f.picked) return { text: `Nothing in the selected time; in all of the window there are ${plural(time, "packet")}.`, deed: "time", label: "Show all of the time" };
  return null;
}

function wasOff(f: Facts): Note {
  const [from, to] = f.window, text = "No sensor was on in this window.";
  if (!f.live) return { text: `${text} This file has no other time: ask the sensor.`, hint: "For example:", code: "packetheat export html -o map.html --last 24h" };
  if (!f.nearest) return { text, hint: "To capture, run", code: "packetheat run" };
  const [a] = f.nearest, ago = a < from ? `${duration(from - f.nearest[1])} earlier` : `${duration(a - to)} later`;
  return { text: `${text} The nearest data is ${ago}.`, deed: "go", label: `Go to ${date(a, f.zone, Math.abs(Date.now() - a) > 3e10)}` };
}

function filtered(f: Facts): Note | null {
  const terms = words(f.filter);
  if (terms.length === 0) return f.switched || f.picked ? { text: "Nothing matches these switches.", deed: "all", label: "Show everything" } : null;
  if (f.addressesFrom && f.window[1] <= f.addressesFrom && needsAddresses.test(f.filter)) {
    return { text: `Addresses and ports before ${date(f.addressesFrom, f.zone, true)} are no longer kept, the places are: this filter asks for what has expired.`, deed: "all", label: "Show the places" };
  }
  const last = terms[terms.length - 1], n = f.without.lastTerm;
  if (n) return { text: `Nothing matches the filter; without “${last}” there ${n === 1 ? "is" : "are"} ${plural(n, "packet")}.`, deed: "term", label: `Take out ${last}` };
  return { text: "Nothing matches the filter.", deed: "all", label: "Show everything" };
}

/** Nothing for the map came by at all. */
function silent(f: Facts): Note {
  const { books: b, waiting, rates } = f, mine = rates.filter((r) => r.captured).map((r) => r.name).join(", ") || "the interface";
  // The loopback is busy on many machines, and never with what belongs on a map.
  const other = rates.filter((r) => !r.captured && r.name !== "lo" && (r.perSecond ?? 0) > 0).sort((x, y) => y.perSecond! - x.perSecond!)[0];
  const choose = { hint: "To capture elsewhere, run", code: `packetheat run --interface ${other?.name ?? "NAME"}` };
  if (!f.live) return f.message ? { text: f.message } : { text: "No public traffic was seen in this window.", hint: "To see the map with generated traffic, run", code: "packetheat demo" };
  if (!b || b.public > 0) return { text: "No packets from or to public addresses in this window.", deed: "day", label: "Show the last 24 hours" };
  if (waiting.length > 0) return { text: `Nothing is captured: ${waiting.join("; ")}.`, rates, ...choose };
  if (b.captured === 0 && (f.since ?? Infinity) < 15_000) return { text: "Starting: the first map comes within seconds." };
  if (b.captured === 0) return { text: `No packets on ${mine} so far.`, rates, ...choose };
  if (b.local > 0) return { text: `Only traffic between local addresses on ${mine}: ${plural(b.local, "packet")}.`, rates, ...(other ? choose : { hint: "To see what the map looks like, run", code: "packetheat demo" }) };
  return { text: `${plural(b.captured, "packet")} on ${mine}, none of them between internet addresses.`, rates, ...choose };
}
