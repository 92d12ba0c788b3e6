// Chooses the names for a frame: the heaviest place of each neighbourhood, then
// the countries, where neither heat nor marks nor the legend are in the way.

import { sigmaFor } from "../heat";
import type { Camera } from "../projection";
import type { Scale } from "../scale";
import type { World } from "../world";
import type { HeatLayer } from "./heatlayer";
import { cityCandidate, countryCandidates, overlap, place, type Candidate, type Placed, type Rect } from "./labels";
import { font } from "./paint";
import { heated, type Spots } from "./spots";

/** What names depend on. */
export interface Scene {
  world: World;
  cities: string[];
  spots: Spots;
  heat: HeatLayer | null;
  scale: Scale | null;
  camera: Camera;
  covered: Rect[];
  /** How far a place's glow or mark reaches, pixels. */
  radius(i: number): number;
}

/** Names for the places in sight (heaviest first), of which some have marks, some rings. */
export function placeLabels(ctx: CanvasRenderingContext2D, s: Scene, seen: number[], marked: number[], rings: number[]): Placed[] {
  const { zoom, width, height } = s.camera, bounds = { x: 4, y: 4, w: width - 8, h: height - 8 };
  ctx.font = font(false);
  const countries = countryCandidates(s.world.labels, s.camera, bounds, (text) => measured(ctx, false, text));
  ctx.font = font(true);
  const cities = s.scale ? cityCandidates(s, seen, (text) => measured(ctx, true, text)) : [];
  const taken = [
    ...s.covered,
    ...marked.filter((i) => s.heat || s.radius(i) > 5).map((i) => around(s, i, s.heat ? 3 : s.radius(i) + 1)), // the smallest discs would keep all names off
    ...rings.map((i) => around(s, i, 10)),
  ];
  const free = (limit: number) => (r: Rect) => !taken.some((o) => overlap(o, r)) && onGlobe(s.camera, r) && calm(s, r, limit);
  const few = (zoom < 2.5 ? 12 : zoom < 8 ? 20 : 40) * (width < 600 ? 0.6 : Math.max(1, width / 1200));
  const placed = place(cities, bounds, free(0.62), few);
  taken.push(...placed);
  return [...placed, ...place(countries, bounds, free(0.3), 120)];
}

/** The heaviest place of each neighbourhood, by name: what a bright spot is. */
function cityCandidates(s: Scene, seen: number[], measure: (text: string) => number): Candidate[] {
  const out: Candidate[] = [], taken: [number, number][] = [], neighbourhood = 34;
  for (const i of seen) {
    if (out.length >= 60) break;
    const [x, y] = pixel(s, i);
    if (s.spots.how[i] !== heated || taken.some((t) => Math.hypot(t[0] - x, t[1] - y) < neighbourhood)) continue;
    taken.push([x, y]);
    // Some databases add the quarter in brackets: too long for a map.
    const name = s.cities[i].replace(/ \(.*\)$/, "");
    // On a phone a long name would stand across the next continent.
    const room = measure(name);
    if (name && room < 0.24 * s.camera.width) out.push(cityCandidate(name, room, x, y, s.radius(i), [s.spots.lon[i], s.spots.lat[i]]));
  }
  return out;
}

/** Beside the globe a name would be nowhere: it has to fit on. */
function onGlobe(c: Camera, r: Rect): boolean {
  if (c.kind !== "globe" || !c.edged) return true;
  return [r.x, r.x + r.w].every((x) => [r.y, r.y + r.h].every((y) => Math.hypot(x - c.width / 2, y - c.height / 2) < c.k));
}

function pixel(s: Scene, i: number): [number, number] {
  return [s.spots.x[i], s.spots.y[i]];
}

function around(s: Scene, i: number, r: number): Rect {
  const [x, y] = pixel(s, i);
  return { x: x - r, y: y - r, w: 2 * r, h: 2 * r };
}

/** How far a place's glow reaches on the screen, about. */
export function glow(scale: Scale, weight: number, width: number): number {
  return 4 + 0.75 * sigmaFor(width) * Math.sqrt(2 * Math.log(Math.max(1, weight / scale.low)));
}

/** Is all heat under a rectangle below a position on the ramp? */
function calm(s: Scene, r: Rect, limit: number): boolean {
  const { heat } = s;
  if (!s.scale || !heat) return true;
  const most = s.scale.low * (s.scale.high / s.scale.low) ** limit;
  for (const fy of [0.2, 0.8]) for (let f = 0; f <= 1; f += 0.25) if (Math.abs(heat.near(r.x + f * r.w, r.y + fy * r.h)) > most) return false;
  return true;
}

/** Names of one view where another has them; those that went behind the globe are gone. */
export function ride(placed: Placed[], was: Camera, now: Camera): Placed[] {
  return placed.flatMap((l) => {
    const a = was.point(...l.at), b = now.point(...l.at);
    return a && b ? [{ ...l, x: l.x + b[0] - a[0], y: l.y + b[1] - a[1] }] : [];
  });
}

/** Pixels of one mark, about. */
const mark = 8;

/** Leaves out places that a heavier one's mark would cover: zooming in brings them. */
export function apart(spots: Spots, seen: number[], { width, height }: { width: number; height: number }): number[] {
  const across = Math.ceil(width / mark) + 4, taken = new Uint8Array(across * (Math.ceil(height / mark) + 4)); // with what is seen just beyond the edges
  return seen.filter((i) => {
    const at = (Math.round(spots.y[i] / mark) + 2) * across + Math.round(spots.x[i] / mark) + 2;
    if (taken[at]) return false;
    for (const row of [at - across, at, at + across]) taken[row - 1] = taken[row] = taken[row + 1] = 1;
    return true;
  });
}

const widths = [new Map<string, number>(), new Map<string, number>()];

/** The width of a text in one of the two fonts, remembered: measuring is the slow part. */
function measured(ctx: CanvasRenderingContext2D, city: boolean, text: string): number {
  const known = widths[city ? 1 : 0];
  let w = known.get(text);
  if (w === undefined) known.set(text, (w = ctx.measureText(text).width));
  return w;
}
