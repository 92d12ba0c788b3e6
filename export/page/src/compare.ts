// What changed between two stretches of time: the same rules as packetheat top
// --compare has (cmd/packetheat/compare.go), so that both say the same numbers.

import { coordinates, placeKey, placeName, type Dataset } from "./dataset";
import { countryName, type Zone } from "./format";
import { daysBefore } from "./times";

type Stretch = [number, number];

/** The stretch that another is compared with. Days and weeks are those of the calendar in the zone. */
export function otherStretch(what: string, [from, to]: Stretch, zone: Zone): Stretch | null {
  const back = (days: number): Stretch => [daysBefore(from, days, zone), daysBefore(to, days, zone)];
  if (what === "before") return [from - (to - from), from];
  if (what === "yesterday") return back(1);
  if (what === "last-week") return back(7);
  const times = what.split("/").map(Date.parse);
  return times.length === 2 && times[0] < times[1] ? [times[0], times[1]] : null;
}

/**
 * What amounts of the other stretch are multiplied with to be of as much time: 1
 * where sensors were on alike, but for two ticks (one is always open) or a hundredth.
 */
export function fairScale(nowOn: number, beforeOn: number, tick: number): number {
  const d = Math.abs(nowOn - beforeOn);
  return d <= 2 * tick || d * 100 <= Math.max(nowOn, beforeOn) ? 1 : nowOn / beforeOn;
}

export type State = "new" | "gone" | "grown" | "shrunk" | "same";

/** One thing in both stretches: key is that of its subject, place its placeKey where the map has it; by is how much more there is now, at equal rates. */
export interface Change { key: string; label: string; note: string; before: number; now: number; by: number; state: State; place?: string; labels?: string[] }

/** What became of it. */
export function stateOf(before: number, now: number, by: number): State {
  if (before === 0) return now === 0 ? "same" : "new";
  if (now === 0) return "gone";
  return by > 0 ? "grown" : by < 0 ? "shrunk" : "same";
}

/** Fills in what follows from the amounts. */
export function change(c: Omit<Change, "by" | "state">, scale: number): Change {
  const by = c.now - scale * c.before;
  return { ...c, by, state: stateOf(c.before, c.now, by) };
}

/** The largest change first, up or down; ties by what there is in both, then by key. */
export function sorted(list: Change[]): Change[] {
  return list.sort((a, b) => Math.abs(b.by) - Math.abs(a.by) || b.now + b.before - (a.now + a.before) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** new, gone, or by how much: +40 %, −12 %, ×3.1. */
export function inWords(c: Change, scale: number): string {
  const before = scale * c.before;
  if (c.state === "new" || c.state === "gone" || before === 0) return c.state;
  if (c.now >= 3 * before) return `×${Number((c.now / before).toPrecision(3))}`;
  const percent = Math.max(-99, Math.round(100 * (c.now / before - 1))); // what is left is not nothing
  return c.state === "same" ? "" : `${percent < 0 ? "\u2212" : "+"}${Math.abs(percent)}\u202f%`;
}

/**
 * Changes of places from their weights now and before, by number. Places that only
 * differ in name are one, under the name that has the most: a city that the database
 * has come to call otherwise has not gone.
 */
export function placeChanges(d: Dataset, now: Float64Array, before: Float64Array, scale: number): Change[] {
  const p = d.places, spots = new Map<string, { place: number; now: number; before: number; most: number }>();
  for (let i = 0; i < p.n; i++) {
    const a = now[i] ?? 0, b = before[i] ?? 0;
    if (a === 0 && b === 0) continue;
    const id = p.located[i] ? coordinates(p, i) : placeKey(p, i), had = spots.get(id);
    if (!had) {
      spots.set(id, { place: i, now: a, before: b, most: a + b });
      continue;
    }
    had.now += a;
    had.before += b;
    if (a + b > had.most) (had.place = i), (had.most = a + b);
  }
  return Array.from(spots.values(), (v) => {
    const i = v.place, key = placeKey(p, i), nowhere = !p.located[i] && !p.country[i];
    const note = nowhere ? "no place known" : p.city[i] || p.region[i] ? countryName(p.country[i]) : "country only";
    return change({ key, label: nowhere ? "Not located" : placeName(p, i, countryName), note, now: v.now, before: v.before, place: nowhere ? undefined : key }, scale);
  });
}

/** The same by country. */
export function countryChanges(d: Dataset, now: Float64Array, before: Float64Array, scale: number): Change[] {
  const by = new Map<string, [number, number]>();
  for (let i = 0; i < d.places.n; i++) {
    const a = now[i] ?? 0, b = before[i] ?? 0;
    if (a === 0 && b === 0) continue;
    const sums = by.get(d.places.country[i]);
    if (sums) (sums[0] += a), (sums[1] += b);
    else by.set(d.places.country[i], [a, b]);
  }
  return Array.from(by, ([code, [a, b]]) => change({ key: code, label: code ? countryName(code) : "Not located", note: "", now: a, before: b }, scale));
}

/** What each place gained or lost: for the map. */
export function signed(d: Dataset, now: Float64Array, before: Float64Array, scale: number): Float64Array {
  return Float64Array.from({ length: d.places.n }, (_, i) => (now[i] ?? 0) - scale * (before[i] ?? 0));
}
