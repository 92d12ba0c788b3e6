// What is known to its country only: the country is hatched, lightly, for it is
// somewhere in there. Where the country is too small to see that, there is a ring,
// and there is one for anycast networks, which are in no one place.

import { kinds, type Places } from "../codec";
import type { Dataset } from "../dataset";
import type { Camera } from "../projection";
import { position, type Scale } from "../scale";
import type { World } from "../world";
import type { Colours } from "./colours";
import { trace } from "./ground";
import { striped } from "./halves";
import { hollow, type Spots } from "./spots";

/** Pixels of height below which a country is marked by a ring. */
const least = 12;

function small(world: World, code: string, camera: Camera): boolean {
  const shapes = world.country(code);
  return !shapes.some((s) => Math.min(s.north - s.south, (s.east - s.west) * Math.cos(s.north)) * camera.k > least);
}

/** The label of networks that answer from many places at once. */
export const anycast = "anycast";

/** The places with addresses that bear the label, as far as a file names addresses. */
export function anycastPlaces(d: Dataset): Set<number> {
  const found = new Set<number>(), bit = d.meta.labels?.indexOf(anycast) ?? -1, t = d.details;
  for (let i = 0; bit >= 0 && i < t.n; i++) if (t.kind[i] === kinds.address && (t.labels[i] / 2 ** bit) & 1) found.add(t.place[i]);
  return found;
}

/** The places without coordinates of some countries. */
export function placesIn(d: Dataset, countries: ReadonlySet<string>): Set<number> {
  const found = new Set<number>(), { n, located, country } = d.places;
  for (let i = 0; countries.size > 0 && i < n; i++) if (!located[i] && countries.has(country[i])) found.add(i);
  return found;
}

/** The places, of an order, that get a ring. */
export function ringed(world: World, p: Places, order: ArrayLike<number>, spots: Spots, camera: Camera, nowhere: ReadonlySet<number>): number[] {
  return Array.from(order).filter((i) => spots.how[i] === hollow && spots.x[i] > -20 && (nowhere.has(i) || small(world, p.country[i], camera)));
}

/** The place whose country has a point of the earth in it. */
export function tinted(world: World, p: Places, order: ArrayLike<number>, spots: Spots, [lon, lat]: [number, number]): number {
  for (let k = 0; k < order.length; k++) {
    const i = order[k];
    if (spots.how[i] === hollow && world.country(p.country[i]).some((s) => s.holds(lon, lat))) return i;
  }
  return -1;
}

interface Scene { spots: Spots; scale: Scale | null }

export function drawTint(
  ctx: CanvasRenderingContext2D, world: World, p: Places, order: ArrayLike<number>, m: Scene, weights: Float64Array, camera: Camera, density: number, c: Colours,
): void {
  const pattern = ctx.createPattern(striped("", c.hollow, 7 * Math.round(density)), "repeat")!;
  pattern.setTransform(new DOMMatrix().scale(1 / Math.round(density)));
  ctx.fillStyle = pattern;
  for (let k = 0; k < order.length; k++) {
    const i = order[k];
    if (m.spots.how[i] !== hollow || small(world, p.country[i], camera)) continue;
    ctx.globalAlpha = 0.2 + 0.45 * position(m.scale!, Math.abs(weights[i]));
    ctx.fill(trace(world.country(p.country[i]), camera, true, 1));
  }
  ctx.globalAlpha = 1;
}
