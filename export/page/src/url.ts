// The hash of the address is the state: a link reproduces what is seen, in the
// saved file and live. Only what differs from the default is written. A part of
// the state that is to be in links is a signal of state.ts and a line of fields.

import { batch, effect, type Signal } from "@preact/signals";
import { kinds } from "./projection";
import { palettes } from "./ramp";
import * as s from "./state";

/** One part of the state, and how it is written behind its name. */
export interface Field<T> {
  signal: Signal<T>;
  /** Equal texts are equal values; the default's text is never written. */
  write(v: T): string;
  /** undefined: not understood, which makes it the default. */
  read(text: string): T | undefined;
}

const field = <T>(signal: Signal<T>, write: (v: T) => string, read: (text: string) => T | undefined): Field<T> => ({ signal, write, read });

/** One of some words. */
export const word = <T extends string>(signal: Signal<T>, allowed: readonly T[]): Field<T> =>
  field(signal, (v) => v, (text) => (allowed.includes(text as T) ? (text as T) : undefined));

/** Yes or no, in words. */
export const yesNo = (signal: Signal<boolean>, yes: string, no: string): Field<boolean> =>
  field(signal, (v) => (v ? yes : no), (text) => (text === yes ? true : text === no ? false : undefined));

/** Nobody types more than this; an address that is longer was not made by the page. */
const longest = 4096;

/** Any text, or null for none. */
const text = <T extends string | null>(signal: Signal<T>): Field<T> =>
  field(signal, (v) => v ?? "", (t) => (t && t.length <= longest ? (t as T) : undefined));

const instant = (t: number) => new Date(t).toISOString().replace(".000Z", "Z");

/** FROM/TO, both instants. */
export const span = (signal: Signal<[number, number] | null>): Field<[number, number] | null> =>
  field(signal, (v) => (v ? v.map(instant).join("/") : ""), (t) => {
    const times = t.split("/").map(Date.parse);
    return times.length === 2 && times[0] < times[1] ? [times[0], times[1]] : undefined;
  });

/** An instant, or null. */
const time = (signal: Signal<number | null>): Field<number | null> =>
  field(signal, (v) => (v === null ? "" : instant(v)), (t) => (Number.isNaN(Date.parse(t)) ? undefined : Date.parse(t)));

/** A stretch to compare with: by its name, or FROM/TO as instants. */
function readCompare(t: string): string | undefined {
  if (!s.comparable(t)) return undefined;
  return t.includes("/") ? t.split("/").map((part) => instant(Date.parse(part))).join("/") : t;
}

function readView(t: string): s.View | undefined {
  const v = t.split(",").map((part) => (part.trim() ? Number(part) : NaN));
  const right = v.length === 3 && v.every(Number.isFinite) && Math.abs(v[0]) <= 90 && Math.abs(v[1]) <= 540 && v[2] > 0;
  return right ? { lat: v[0], lon: v[1], zoom: v[2] } : undefined;
}

/** LOW..HIGH, both above zero. */
function readLimits(t: string): [number, number] | undefined {
  const [low, high, ...more] = t.split("..").map((part) => (part.trim() ? Number(part) : NaN));
  return low > 0 && high > low && high < Infinity && more.length === 0 ? [low, high] : undefined;
}

function readProtocols(t: string): number {
  const names = t.split(",");
  return s.protocols.reduce((bits, name, i) => (names.includes(name) ? bits | (1 << i) : bits), 0);
}

/** All that links carry, by its name in them and in their order. */
export const fields = {
  last: field(s.last, (v) => v, (t) => (/^(\d{1,6}[smhdwy]|all)$/.test(t) ? t : undefined)),
  window: span(s.fixed),
  t: span(s.brush),
  at: time(s.at),
  play: yesNo(s.growing, "growing", "moving"),
  speed: field(s.speed, String, (t) => s.speeds.find((v) => String(v) === t)),
  compare: field(s.compare, (v) => v, readCompare),
  filter: text(s.filter),
  proto: field(s.protocol, (v) => s.protocols.filter((_, i) => (v >> i) & 1).join(",") || "none", readProtocols),
  dir: word(s.direction, ["both", "in", "out"]),
  unit: word(s.unit, ["packets", "bytes"]),
  clouds: yesNo(s.clouds, "shown", "hidden"),
  tab: word(s.tab, s.tabs),
  sort: word(s.order, ["unit", "packets", "bytes", "in", "out", "name"]),
  place: text(s.selected),
  view: field(s.view, (v) => (v ? `${v.lat.toFixed(3)},${v.lon.toFixed(3)},${+v.zoom.toPrecision(4)}` : ""), readView),
  proj: word(s.projection, kinds),
  map: yesNo(s.split, "directions", "heat"),
  by: word(s.by, ["amount", "rate", "addresses"]),
  colours: word(s.palette, palettes),
  arcs: yesNo(s.arcs, "shown", "hidden"),
  scale: field(s.lock, (v) => (v ? v.join("..") : ""), readLimits),
  theme: word(s.theme, ["auto", "dark", "light"]),
  tz: word(s.zone, ["local", "utc"]),
};

type Name = keyof typeof fields;
type Value<F> = F extends Field<infer T> ? T : never;

/** A value for each field. */
export type State = { [N in Name]: Value<(typeof fields)[N]> };

const entries = Object.entries(fields) as [Name, Field<unknown>][];
const gather = (value: (name: Name, f: Field<unknown>) => unknown) => Object.fromEntries(entries.map(([name, f]) => [name, value(name, f)])) as State;

/** What the signals are before anybody touches them. */
export const defaults: Readonly<State> = gather((_, f) => f.signal.peek());

/** Signs that need no escape in a hash, and read better without. */
const plain: Record<string, string> = { "%2C": ",", "%2F": "/", "%3A": ":", "%7C": "|" };

export function write(v: State): string {
  const q = new URLSearchParams();
  for (const [name, f] of entries) {
    const t = f.write(v[name]);
    if (t !== f.write(defaults[name])) q.set(name, t);
  }
  return q.toString().replace(/%2C|%2F|%3A|%7C/g, (code) => plain[code]);
}

/** Reads a hash; anything it does not understand is the default. */
export function read(hash: string): State {
  const q = new URLSearchParams(hash.replace(/^#/, ""));
  return gather((name, f) => (q.get(name) ? f.read(q.get(name)!) : undefined) ?? defaults[name]);
}

/** The state as it is now. */
export function current(): State {
  return gather((_, f) => f.signal.value);
}

/** Sets the signals whose value is another. */
export function apply(v: State): void {
  batch(() => {
    for (const [name, f] of entries) if (f.write(f.signal.peek()) !== f.write(v[name])) f.signal.value = v[name];
  });
}

/** Stands for the default in a file that opens as something else. */
const plainDefault = ".";

/**
 * Ties signals and hash together, both ways. Initial is the hash of a file that was
 * saved in some state; an address with a hash of its own overrules it.
 */
export function bind(initial = ""): void {
  apply(read(location.hash.length > 1 ? location.hash : initial));
  let timer = 0, known = location.hash;
  effect(() => {
    const hash = write(current()) || (initial && plainDefault);
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (location.hash !== known) return; // somebody else's, whose event is still to come: it is not to be lost
      if (hash !== known.slice(1)) replace(hash);
      known = location.hash;
    }, 150) as unknown as number;
  });
  addEventListener("hashchange", () => apply(read((known = location.hash))));
}

function replace(hash: string): void {
  try {
    history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
  } catch {
    // Some browsers count how often this is done, and some files may not do it: the next change tries again.
  }
}
