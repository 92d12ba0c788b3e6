// What is selected and how it is shown: signals, read by every part of the page.

import { batch, signal } from "@preact/signals";
import type { Zone } from "./format";
import type { Kind } from "./projection";
import type { Palette } from "./ramp";
import type { Unit } from "./sums";

export const protocols = ["tcp", "udp", "icmp", "other"] as const;
export const tabs = ["place", "country", "network", "address", "peer", "port"] as const;
export type Tab = (typeof tabs)[number];
export type Direction = "both" | "in" | "out";
export type ThemeChoice = "auto" | "dark" | "light";
export interface View { lat: number; lon: number; zoom: number }

export const protocol = signal(0b1111); // a bit per class
export const direction = signal<Direction>("both");
export const unit = signal<Unit>("packets");
export const brush = signal<[number, number] | null>(null); // ms, half-open
export const filter = signal("");
export const tab = signal<Tab>("place");
export const order = signal<"unit" | "packets" | "bytes" | "in" | "out" | "name">("unit"); // of the list
export const selected = signal<string | null>(null); // whose card is open: see subject.ts
export const hovered = signal<string | null>(null); // a placeKey
export const theme = signal<ThemeChoice>("auto");
export const zone = signal<Zone>("local");
export const view = signal<View | null>(null); // null: fitted to the data
export const last = signal("1h"); // the live window
export const fixed = signal<[number, number] | null>(null); // an absolute window, ms, half-open; null: the last so long
export const at = signal<number | null>(null); // playback: a time in the shown step, ms; null: off
export const growing = signal(false); // playback adds up from the start, rather than showing one step
export const speed = signal(1); // of playback
export const compare = signal(""); // with before, yesterday, last-week or FROM/TO (RFC 3339); "": with nothing
export const projection = signal<Kind>("equal-earth");
export const split = signal(false); // the map shows half-discs of in and out, rather than heat
export const palette = signal<Palette>("auto");
export const arcs = signal(false); // lines from home to the heaviest places
export const lock = signal<[number, number] | null>(null); // the scale's limits, when they are to stay
export const by = signal<"amount" | "rate" | "addresses">("amount"); // the map is weighed by the unit, bits a second, or how many addresses
export const clouds = signal(true); // are big clouds and content networks shown?

/** Speeds of playback; at 1 the usual sixty steps take twenty seconds. */
export const speeds = [0.25, 0.5, 1, 2, 4] as const;

/** Can this be compared with? */
export function comparable(v: string): boolean {
  const times = v.split("/").map(Date.parse);
  return ["before", "yesterday", "last-week"].includes(v) || (times.length === 2 && times[0] < times[1]);
}

/** Rows whose key has its bit set count; the upper eight are those of big clouds. */
export function keyMask(protocolBits: number, dir: Direction, withClouds = true): number {
  let mask = 0;
  for (let p = 0; p < 4; p++) {
    if (!((protocolBits >> p) & 1)) continue;
    if (dir !== "out") mask |= 1 << (2 * p);
    if (dir !== "in") mask |= 1 << (2 * p + 1);
  }
  return withClouds ? mask | (mask << 8) : mask;
}

/** Is anything narrowed? Then numbers are of a part, and said to be. */
export function narrowed(): boolean {
  return protocol.value !== 0b1111 || direction.value !== "both" || brush.value !== null || at.value !== null || filter.value !== "" || !clouds.value;
}

export function clearSelection(): void {
  batch(() => {
    protocol.value = 0b1111;
    direction.value = "both";
    brush.value = null;
    at.value = null;
    filter.value = "";
    clouds.value = true;
  });
}
