// What the data asks of the view and of the scale.

import type { Dataset } from "../dataset";
import { box, Camera, fit, whole, worldScale, type Box, type Kind } from "../projection";
import { fitScale, type Scale } from "../scale";
import { heated, none, type Spots } from "./spots";

/** The box around all places that have rows, selected or not. */
export function extent(d: Dataset | undefined, spots: Spots): Box | null {
  const rows = d?.rows, used = new Uint8Array(spots.n), lon: number[] = [], lat: number[] = [];
  for (let i = 0; rows && i < rows.n; i++) used[rows.place[i]] = 1;
  for (let i = 0; i < spots.n; i++) if (used[i] && spots.how[i] !== none) lon.push(spots.lon[i]), lat.push(spots.lat[i]);
  return box(lon, lat);
}

/** Where a view begins: what is around all places, or the world. */
export function homeOf(around: Box | null, kind: Kind, width: number, height: number): Camera {
  return around ? fit(around, kind, width, height, Math.min(44, width / 10, height / 10)) : whole(kind, width, height);
}

/** Another projection, of about what a camera sees. */
export function turned(c: Camera, kind: Kind): Camera {
  const world = worldScale(kind, c.width, c.height), next = new Camera(kind, c.lon, c.lat, world, c.width, c.height);
  return c.zoom < 1.3 ? next : next.at(c.lon, c.lat, (world * c.perKm) / next.perKm);
}

/**
 * The scale from the weakest place to the strongest spot, which may be a sum of
 * neighbours: peak tells. Places that are not heat count only where nothing is.
 */
export function scaleOf(spots: Spots, weights: Float64Array, peak: () => number): Scale | null {
  let weakest = Infinity, strongest = 0, hot = false;
  const n = Math.min(weights.length, spots.n);
  for (let i = 0; i < n && !hot; i++) hot = weights[i] > 0 && spots.how[i] === heated;
  for (let i = 0; i < n; i++) {
    if (!(weights[i] > 0) || spots.how[i] === none || (hot && spots.how[i] !== heated)) continue;
    weakest = Math.min(weakest, weights[i]);
    strongest = Math.max(strongest, weights[i]);
  }
  if (hot) strongest = Math.max(strongest, peak());
  return strongest > 0 ? fitScale(weakest, strongest) : null;
}

/** Finds scales, and keeps the last one with what it is of: the steps of a playback share theirs. */
export class ScaleFinder {
  private of: readonly unknown[] = [];
  private scale: Scale | null = null;

  /** Was it ever asked? */
  get used(): boolean {
    return this.of.length > 0;
  }

  /** The scale of some weights, as the home view shows them. */
  find(spots: Spots, over: Float64Array, home: Camera, peak: () => number): Scale | null {
    const of = [over, spots.n, home.k, home.width, home.height];
    if (!this.used || of.some((v, i) => v !== this.of[i])) {
      this.scale = scaleOf(spots, over, peak);
      this.of = of;
    }
    return this.scale;
  }
}
