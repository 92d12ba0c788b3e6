// Where on the screen a point of the earth is. A camera looks at the earth: what
// stands in the middle of the map is on its central meridian, in each projection.
// So a drag to the side turns the world, and there is no edge to run into: who
// looks at Fiji sees what lies on both sides of it.

import { geoEqualEarthRaw, geoMercatorRaw, type GeoRawProjection } from "d3-geo";

export const kinds = ["equal-earth", "mercator", "globe"] as const;
export type Kind = (typeof kinds)[number];
export type Flat = Exclude<Kind, "globe">;

export const rad = Math.PI / 180, tau = 2 * Math.PI;

/** The whole earth is shown turned by 11°, so that its edge runs through the Bering Strait and cuts no country. */
export const middle = 11 * rad;

/** Mercator ends where the earth is a square. */
const mercatorEnd = 85.0511 * rad;

const raw: Record<Flat, GeoRawProjection> = { "equal-earth": geoEqualEarthRaw, mercator: geoMercatorRaw };

/** The most northern latitude of a flat projection. */
const end: Record<Flat, number> = { "equal-earth": Math.PI / 2, mercator: mercatorEnd };

/** Both flat projections draw a parallel as a straight line of evenly spaced meridians: x = c(lat) × lon, y = y(lat). */
export function flatX(kind: Flat, lat: number): number {
  return kind === "mercator" ? 1 : raw[kind](1, lat)[0];
}

export function flatY(kind: Flat, lat: number): number {
  return raw[kind](0, Math.max(-end[kind], Math.min(end[kind], lat)))[1];
}

/** Both of them for a column of latitudes within the projection's ends. */
export function flatColumns(kind: Flat, lat: Float64Array): { x: Float64Array; y: Float64Array } {
  const n = lat.length, x = new Float64Array(n), y = new Float64Array(n), of = raw[kind], most = end[kind];
  for (let i = 0; i < n; i++) {
    const p = of(1, Math.max(-most, Math.min(most, lat[i])));
    x[i] = p[0];
    y[i] = p[1];
  }
  return { x, y };
}

/** The latitude at a height over the equator, in radians of the map. */
export function latOf(kind: Flat, y: number): number {
  const most = flatY(kind, end[kind]);
  return raw[kind].invert!(0, Math.max(-most, Math.min(most, y)))[1];
}

/** Brings an angle between -π and π. */
export function wrap(a: number): number {
  return a - tau * Math.round(a / tau);
}

/** How high the earth is when all of it is to be seen: Mercator leaves out the ice. */
const shown: Record<Flat, [south: number, north: number]> = { "equal-earth": [-Math.PI / 2, Math.PI / 2], mercator: [-57 * rad, 77 * rad] };

/** Pixels a radian at which the whole earth fits. */
export function worldScale(kind: Kind, width: number, height: number): number {
  if (kind === "globe") return Math.max(1, 0.47 * Math.min(width, height));
  const [south, north] = shown[kind];
  return Math.max(1, Math.min(width / (tau * flatX(kind, 0)), height / (flatY(kind, north) - flatY(kind, south))));
}

/** How far one can go in. */
export const deepest = 400;

/** A view of the earth; never changed, but replaced. Angles are radians, sizes CSS pixels. */
export class Camera {
  readonly y0: number; // flat: of the middle
  readonly sin: number;
  readonly cos: number;

  constructor(
    readonly kind: Kind, readonly lon: number, readonly lat: number,
    /** Pixels a radian in the middle (flat: at the equator, times the projection's own width). */
    readonly k: number,
    readonly width: number, readonly height: number,
  ) {
    this.sin = Math.sin(lat);
    this.cos = Math.cos(lat);
    this.y0 = kind === "globe" ? 0 : flatY(kind, lat);
  }

  /** 1: the whole earth. */
  get zoom(): number {
    return this.k / worldScale(this.kind, this.width, this.height);
  }

  /** The pixel of a point, or null where it is behind the globe. */
  point(lon: number, lat: number): [number, number] | null {
    const { kind, k } = this, d = wrap(lon - this.lon);
    if (kind !== "globe") return [this.width / 2 + k * d * flatX(kind, lat), this.height / 2 - k * (flatY(kind, lat) - this.y0)];
    const a = Math.sin(lat), b = Math.cos(lat) * Math.cos(d);
    if (this.sin * a + this.cos * b < 0) return null;
    return [this.width / 2 + k * Math.cos(lat) * Math.sin(d), this.height / 2 - k * (this.cos * a - this.sin * b)];
  }

  /** What is at a pixel, or null where that is not the earth. */
  invert(x: number, y: number): [number, number] | null {
    const { kind } = this, u = (x - this.width / 2) / this.k, v = (this.height / 2 - y) / this.k;
    if (kind !== "globe") {
      const most = flatY(kind, end[kind]);
      if (Math.abs(v + this.y0) > most) return null;
      const lat = latOf(kind, v + this.y0), d = u / flatX(kind, lat);
      return Math.abs(d) > Math.PI ? null : [wrap(this.lon + d), lat];
    }
    const z2 = 1 - u * u - v * v;
    if (z2 < 0) return null;
    const z = Math.sqrt(z2);
    const lat = Math.asin(Math.max(-1, Math.min(1, v * this.cos + z * this.sin)));
    return [wrap(this.lon + Math.atan2(u, z * this.cos - v * this.sin)), lat];
  }

  /** The view that has a point of the earth at a pixel, at a scale: what a drag, a pinch and the wheel ask for. */
  holding([lon, lat]: [number, number], x: number, y: number, k = this.k): Camera {
    const { kind, width, height } = this, u = (x - width / 2) / k, v = (height / 2 - y) / k;
    if (kind !== "globe") {
      return new Camera(kind, wrap(lon - u / flatX(kind, lat)), latOf(kind, flatY(kind, lat) - v), k, width, height).held();
    }
    const r = Math.hypot(u, v), f = r > 0.98 ? 0.98 / r : 1; // the pointer left the globe
    const tx = u * f, ty = v * f, tz = Math.sqrt(1 - tx * tx - ty * ty);
    const s = Math.max(-1, Math.min(1, tx / Math.max(1e-6, Math.cos(lat))));
    const beyond = Math.cos(lon - this.lon) < 0; // over the pole
    const d = beyond ? Math.PI - Math.asin(s) : Math.asin(s);
    const turned = Math.atan2(Math.sin(lat), Math.cos(lat) * Math.cos(d)) - Math.atan2(ty, tz);
    return new Camera(kind, wrap(lon - d), wrap(turned), k, width, height).held();
  }

  /** The view after the map was moved by some pixels. */
  panned(dx: number, dy: number): Camera {
    return this.holding([this.lon, this.lat], this.width / 2 + dx, this.height / 2 + dy);
  }

  /** Another scale about a pixel. */
  zoomed(k: number, x = this.width / 2, y = this.height / 2): Camera {
    const at = this.invert(x, y);
    return at ? this.holding(at, x, y, k) : this.at(this.lon, this.lat, k);
  }

  /** Does it show what another does? */
  same(c: Camera): boolean {
    return this.kind === c.kind && this.lon === c.lon && this.lat === c.lat && this.k === c.k && this.width === c.width && this.height === c.height;
  }

  /** Another middle and scale. */
  at(lon: number, lat: number, k = this.k): Camera {
    return new Camera(this.kind, wrap(lon), lat, k, this.width, this.height).held();
  }

  /** The view moved so that no more emptiness shows than must, neither too far away nor too near. */
  held(): Camera {
    const { kind, width, height } = this, world = worldScale(kind, width, height);
    const k = Math.max(world, Math.min(world * deepest, this.k));
    if (kind === "globe") {
      const lat = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, this.lat));
      return k === this.k && lat === this.lat ? this : new Camera(kind, this.lon, lat, k, width, height);
    }
    const room = flatY(kind, end[kind]) - height / 2 / k;
    const y = room <= 0 ? 0 : Math.max(-room, Math.min(room, this.y0));
    return k === this.k && Math.abs(y - this.y0) < 1e-12 ? this : new Camera(kind, this.lon, latOf(kind, y), k, width, height);
  }

  /** Pixels a kilometre in the middle. */
  get perKm(): number {
    const perRadian = this.kind === "globe" ? this.k : (this.k * flatX(this.kind, this.lat)) / Math.max(0.02, this.cos);
    return perRadian / 6371;
  }

  /** The edge of the earth, as a path. */
  outline(): Path2D {
    const path = new Path2D(), { kind, k, width, height } = this;
    if (kind === "globe") {
      path.arc(width / 2, height / 2, k, 0, tau);
      return path;
    }
    for (const side of [-1, 1]) {
      for (let i = -90; i <= 90; i += 2) {
        const lat = -side * i * rad;
        path.lineTo(width / 2 + side * k * Math.PI * flatX(kind, lat), height / 2 - k * (flatY(kind, lat) - this.y0));
      }
    }
    path.closePath();
    return path;
  }

  /** Does the screen show the edge of the earth? */
  get edged(): boolean {
    const { width: w, height: h } = this;
    return [[0, 0], [w, 0], [0, h], [w, h], [0, h / 2], [w, h / 2]].some(([x, y]) => this.invert(x, y) === null);
  }
}

/** A part of the earth; east may be beyond 180° so that it is never west of west. */
export interface Box { west: number; east: number; south: number; north: number }

/** All of the earth as people know it: shown when there is no traffic. The globe shows the side where most of them live. */
export function whole(kind: Kind, width: number, height: number): Camera {
  const lat = kind === "globe" ? 25 * rad : kind === "mercator" ? 30 * rad : 0;
  return new Camera(kind, middle, lat, worldScale(kind, width, height), width, height).held();
}

/** The smallest box around points: the widest stretch of longitudes without any is outside. */
export function box(lon: ArrayLike<number>, lat: ArrayLike<number>): Box | null {
  if (lon.length === 0) return null;
  const turns = Float64Array.from({ length: lon.length }, (_, i) => lon[i]).sort();
  let south = Infinity, north = -Infinity, widest = turns[0] + tau - turns[turns.length - 1], at = 0;
  for (let i = 1; i < turns.length; i++) if (turns[i] - turns[i - 1] > widest) (widest = turns[i] - turns[i - 1]), (at = i);
  for (let i = 0; i < lat.length; i++) (south = Math.min(south, lat[i])), (north = Math.max(north, lat[i]));
  const west = turns[at];
  return { west, east: west + tau - widest, south, north };
}

/** The view that shows a box with room around it; the whole earth stands as people know it. */
export function fit(b: Box, kind: Kind, width: number, height: number, room: number): Camera {
  const world = worldScale(kind, width, height), lon = (b.west + b.east) / 2;
  const w = Math.max(1, width - 2 * room), h = Math.max(1, height - 2 * room);
  if (kind === "globe") {
    const half = Math.max((b.east - b.west) / 2, (b.north - b.south) / 2, tau / 24);
    const k = half > 1.2 ? world : Math.max(world, Math.min(w, h) / 2 / Math.sin(half));
    return new Camera(kind, wrap(lon), (b.south + b.north) / 2, k, width, height).held();
  }
  const broad = flatX(kind, b.south * b.north < 0 ? 0 : Math.min(Math.abs(b.south), Math.abs(b.north)));
  const y = (flatY(kind, b.south) + flatY(kind, b.north)) / 2, tall = h / Math.max(1e-9, flatY(kind, b.north) - flatY(kind, b.south));
  const k = Math.min(w / (broad * Math.max(tau / 12, b.east - b.west)), tall);
  if (k > 1.25 * world) return new Camera(kind, wrap(lon), latOf(kind, y), k, width, height).held();
  const far = Math.max(Math.abs(wrap(b.west - middle)), Math.abs(wrap(b.east - middle)), b.east - b.west > Math.PI ? (b.east - b.west) / 2 : 0);
  return new Camera(kind, middle, latOf(kind, y), Math.min(w / 2 / (broad * far), tall), width, height).held();
}
