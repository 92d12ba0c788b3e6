// Rings and lines of the world as columns, and how they are drawn on a view. Each
// is unrolled, so that it has no jump at 180°: a country there is drawn twice, a
// turn apart, and what lies off the map is cut by the edge. On the globe what is
// behind is drawn along the edge. Nothing of this needs a clipping library, and a
// frame costs a few milliseconds.

import { flatColumns, flatX, flatY, rad, tau, wrap, type Camera, type Flat } from "../projection";

/**
 * What shapes are drawn on. Rings end where they began and are never closed by
 * closePath: Chromium measures the whole path anew for each, 30 ms for a world of 600 rings
 * against 1 ms.
 */
type Path = Pick<Path2D, "moveTo" | "lineTo">;

/** Longer edges get points between, or they would cut through the globe. */
const longest = 2.5 * rad;

/** Where shapes are unrolled before it is known how long they are. */
let unrolledLon = new Float64Array(0), unrolledLat = unrolledLon;

function roomFor(n: number): void {
  if (unrolledLon.length >= n) return;
  const grown = (old: Float64Array) => {
    const a = new Float64Array(n);
    a.set(old);
    return a;
  };
  [unrolledLon, unrolledLat] = [grown(unrolledLon), grown(unrolledLat)];
}

export class Shape {
  readonly lon: Float64Array;
  readonly lat: Float64Array;
  readonly n: number;
  /** Points of the coast; on flat maps a ring around a pole is closed along it by the two behind. */
  readonly coast: number;
  /** Does the ring go around a pole? */
  readonly around: boolean;
  readonly west: number; readonly east: number; readonly south: number; readonly north: number;
  private flat = new Map<Flat, { x: Float64Array; y: Float64Array }>();
  private vectors?: { x: Float64Array; y: Float64Array; z: Float64Array; cx: number; cy: number; cz: number; angle: number; sin: number };

  /** Takes the first n points of columns of radians; a ring's last point repeats its first. */
  constructor(lons: ArrayLike<number>, lats: ArrayLike<number>, n: number, ring: boolean) {
    let west = lons[0], east = west, south = lats[0], north = south, x0 = west, y0 = south, count = 1;
    roomFor(2 * n + 400);
    [unrolledLon[0], unrolledLat[0]] = [x0, y0];
    for (let i = 1; i < n; i++) {
      const dx = wrap(lons[i] - x0), dy = lats[i] - y0;
      if (dx === 0 && dy === 0) continue;
      const steps = Math.ceil(Math.max(Math.abs(dx), Math.abs(dy)) / longest);
      if (count + steps + 2 > unrolledLon.length) roomFor(2 * count + steps);
      for (let s = 1; s <= steps; s++, count++) {
        unrolledLon[count] = x0 + (dx * s) / steps;
        unrolledLat[count] = y0 + (dy * s) / steps;
      }
      x0 += dx;
      y0 += dy;
      if (x0 < west) west = x0;
      else if (x0 > east) east = x0;
      if (y0 < south) south = y0;
      else if (y0 > north) north = y0;
    }
    this.coast = count;
    this.around = ring && Math.abs(x0 - lons[0]) > Math.PI;
    if (this.around) {
      const pole = lats[0] < 0 ? -Math.PI / 2 : Math.PI / 2;
      for (const lon of [x0, lons[0]]) [unrolledLon[count], unrolledLat[count++]] = [lon, pole];
      if (pole < 0) south = pole;
      else north = pole;
    }
    this.n = count;
    this.lon = unrolledLon.slice(0, count);
    this.lat = unrolledLat.slice(0, count);
    [this.west, this.east, this.south, this.north] = [west, east, south, north];
  }

  /** The same from points in degrees. */
  static of(points: ArrayLike<ArrayLike<number>>, ring: boolean): Shape {
    const column = (axis: number) => Float64Array.from(points, (p) => p[axis] * rad);
    return new Shape(column(0), column(1), points.length, ring);
  }

  /** Is a point inside? For rings only. */
  holds(lon: number, lat: number): boolean {
    if (lat < this.south || lat > this.north) return false;
    let inside = false;
    for (let turn = Math.ceil((this.west - lon) / tau); lon + turn * tau <= this.east; turn++) {
      const x = lon + turn * tau;
      for (let i = 0, j = this.n - 1; i < this.n; j = i++) {
        if (this.lat[i] > lat !== this.lat[j] > lat && x < ((this.lon[j] - this.lon[i]) * (lat - this.lat[i])) / (this.lat[j] - this.lat[i]) + this.lon[i]) inside = !inside;
      }
    }
    return inside;
  }

  /** Adds the shape to a path: as an area, or as its line. Points nearer than `step` pixels are left out. */
  trace(path: Path, c: Camera, area: boolean, step: number): void {
    if (c.kind !== "globe") this.traceFlat(path, c, c.kind, area, step);
    else this.traceGlobe(path, c, area, step);
  }

  private traceFlat(path: Path, c: Camera, kind: Flat, area: boolean, step: number): void {
    const half = c.height / 2 / c.k + 0.01, top = flatY(kind, this.north), bottom = flatY(kind, this.south);
    if (bottom > c.y0 + half || top < c.y0 - half) return;
    const { x: fx, y: fy } = this.flatColumns(kind), n = area ? this.n : this.coast;
    const least = Math.min(flatX(kind, Math.abs(this.north)), flatX(kind, Math.abs(this.south)));
    const reach = Math.min(Math.PI, (c.width / 2 + 8) / (c.k * least));
    const { k, y0 } = c, w = c.width / 2, h = c.height / 2, pen = new Pen(path, c, area, step);
    const tall = h - k * (top - y0) > 0 && h - k * (bottom - y0) < c.height, widest = k * flatX(kind, 0);
    for (let turn = Math.ceil((c.lon - reach - this.east) / tau); turn * tau + this.west <= c.lon + reach; turn++) {
      const shift = turn * tau - c.lon;
      if (tall && w + widest * (this.west + shift) > 0 && w + widest * (this.east + shift) < c.width) {
        this.plain(path, fx, fy, n, k, w, h + k * y0, shift, step);
        continue;
      }
      pen.start(w + k * (this.lon[0] + shift) * fx[0], h - k * (fy[0] - y0));
      for (let i = 1; i < n; i++) pen.to(w + k * (this.lon[i] + shift) * fx[i], h - k * (fy[i] - y0), i === n - 1);
    }
  }

  /** The same where all of it is on the screen, as most of the world is at first: a pen would only cost. */
  private plain(path: Path, fx: Float64Array, fy: Float64Array, n: number, k: number, w: number, h: number, shift: number, step: number): void {
    const { lon } = this, last = n - 1;
    let x0 = w + k * (lon[0] + shift) * fx[0], y0 = h - k * fy[0];
    path.moveTo(x0, y0);
    for (let i = 1; i < n; i++) {
      const x = w + k * (lon[i] + shift) * fx[i], y = h - k * fy[i], dx = x - x0, dy = y - y0;
      if (i < last && dx < step && dx > -step && dy < step && dy > -step) continue;
      path.lineTo(x, y);
      x0 = x;
      y0 = y;
    }
  }

  private traceGlobe(path: Path, c: Camera, area: boolean, step: number): void {
    const v = this.columns(), n = this.coast, w = c.width / 2, h = c.height / 2, k = c.k;
    // Rows of the rotation: to the right, up, and towards the eye.
    const sl = Math.sin(c.lon), cl = Math.cos(c.lon);
    const rx = -sl, ry = cl, ux = -c.sin * cl, uy = -c.sin * sl, uz = c.cos, ex = c.cos * cl, ey = c.cos * sl, ez = c.sin;
    const facing = v.cx * ex + v.cy * ey + v.cz * ez; // the cosine between the shape's middle and the eye
    if (facing < -v.sin) return; // all of it is behind
    const sight = Math.asin(Math.min(1, (Math.hypot(w, h) + 4) / k));
    if (v.angle + sight < Math.PI && facing < Math.cos(v.angle + sight)) return; // beside the screen
    const pen = new Pen(path, c, area, step);
    if (facing > v.sin) {
      for (let i = 0; i < n; i++) {
        const x = w + k * (v.x[i] * rx + v.y[i] * ry), y = h - k * (v.x[i] * ux + v.y[i] * uy + v.z[i] * uz);
        if (i === 0) pen.start(x, y);
        else pen.to(x, y, i === n - 1);
      }
      return;
    }
    // Some of it is behind. As an area, that part is drawn on the edge of the globe,
    // where it is seen from the axis: what is inside stays inside.
    let started = false, before = false, angle = 0, turned = 0, any = false;
    for (let i = 0; i < n; i++) {
      let x = v.x[i] * rx + v.y[i] * ry, y = v.x[i] * ux + v.y[i] * uy + v.z[i] * uz;
      const seen = v.x[i] * ex + v.y[i] * ey + v.z[i] * ez >= 0, a = Math.atan2(y, x);
      any ||= seen;
      if (!seen && !area) {
        before = false;
        continue;
      }
      const d = i === 0 ? 0 : wrap(a - angle);
      if (area) turned += d;
      if (!seen) {
        for (let s = 1, steps = Math.floor(Math.abs(d) / 0.2); s < steps; s++) pen.to(w + k * Math.cos(angle + (d * s) / steps), h - k * Math.sin(angle + (d * s) / steps), true);
        x = Math.cos(a);
        y = Math.sin(a);
      }
      if (!started || (!area && !before)) pen.start(w + k * x, h - k * y);
      else pen.to(w + k * x, h - k * y, i === n - 1 || !seen);
      started = before = true;
      angle = a;
    }
    if (!area) return;
    // The ring goes around the far pole of the view: then its inside is what it does
    // not enclose here. (Rings run clockwise around their inside.)
    if (any && turned > 3) for (let i = 0; i <= 36; i++) {
      const a = (i / 36) * tau, x = w + 1.01 * k * Math.cos(a), y = h + 1.01 * k * Math.sin(a);
      if (i === 0) path.moveTo(x, y);
      else path.lineTo(x, y);
    }
  }

  private flatColumns(kind: Flat): { x: Float64Array; y: Float64Array } {
    let f = this.flat.get(kind);
    if (!f) {
      f = flatColumns(kind, this.lat);
      this.flat.set(kind, f);
    }
    return f;
  }

  private columns() {
    if (this.vectors) return this.vectors;
    const { lon, lat } = this, n = this.coast;
    const x = new Float64Array(n), y = new Float64Array(n), z = new Float64Array(n);
    let cx = 0, cy = 0, cz = 0;
    for (let i = 0; i < n; i++) {
      x[i] = Math.cos(lat[i]) * Math.cos(lon[i]);
      y[i] = Math.cos(lat[i]) * Math.sin(lon[i]);
      z[i] = Math.sin(lat[i]);
      cx += x[i];
      cy += y[i];
      cz += z[i];
    }
    const l = Math.hypot(cx, cy, cz) || 1;
    cx /= l;
    cy /= l;
    cz /= l;
    let cos = 1;
    for (let i = 0; i < n; i++) cos = Math.min(cos, cx * x[i] + cy * y[i] + cz * z[i]);
    // A shape wider than half the globe is never all behind, nor all in front.
    return (this.vectors = { x, y, z, cx, cy, cz, angle: Math.acos(Math.max(-1, cos)), sin: cos <= 0 ? 1 : Math.sqrt(1 - cos * cos) });
  }
}

/**
 * Draws a chain of points, leaving out what does not matter: points that are too
 * near the last, and all but the last of a stretch that is on one side of the
 * screen, outside. Both leave every pixel of the screen as it is (but for `step`).
 */
class Pen {
  private x = 0;
  private y = 0;
  private side = 0; // the sides on which everything since the last drawn point lies
  private px = 0; // the point that was left out last
  private py = 0;
  private pending = false;

  constructor(private readonly path: Path, private readonly c: Camera, private readonly area: boolean, private readonly step: number) {}

  private sideOf(x: number, y: number): number {
    return (x < -2 ? 1 : x > this.c.width + 2 ? 2 : 0) | (y < -2 ? 4 : y > this.c.height + 2 ? 8 : 0);
  }

  start(x: number, y: number): void {
    this.path.moveTo(x, y);
    this.x = x;
    this.y = y;
    this.side = this.sideOf(x, y);
    this.pending = false;
  }

  /** Goes on to a point; the last one of a chain is never left out (unless it is outside). */
  to(x: number, y: number, last: boolean): void {
    const side = this.sideOf(x, y);
    if (this.side & side) {
      this.side &= side;
      this.px = x;
      this.py = y;
      this.pending = true;
      if (last && this.area) this.path.lineTo(x, y);
      return;
    }
    if (this.pending) {
      if (this.area) this.path.lineTo(this.px, this.py);
      else this.path.moveTo(this.px, this.py);
      this.x = this.px;
      this.y = this.py;
      this.pending = false;
    } else if (!last && Math.abs(x - this.x) < this.step && Math.abs(y - this.y) < this.step) {
      this.side &= side;
      return;
    }
    this.path.lineTo(x, y);
    this.x = x;
    this.y = y;
    this.side = side;
  }
}
