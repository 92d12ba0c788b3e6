// Where the places are on the earth and on the screen, and how each is drawn.

import type { Dataset } from "../dataset";
import { flatX, flatY, rad, wrap, type Camera, type Kind } from "../projection";
import type { World } from "../world";

export const none = 0, heated = 1, hollow = 2;

export class Spots {
  n = 0;
  lon = new Float64Array(0); // radians
  lat = new Float64Array(0);
  /** none, heated, or hollow: known to its country only, so never heat on a field somewhere. */
  how = new Uint8Array(0);
  /** Pixels at the last view; not a number where the place cannot be seen. */
  x = new Float32Array(0);
  y = new Float32Array(0);

  // What a projection makes of each place, whatever the view: two columns for flat
  // ones (see flatX, flatY), three of a vector for the globe.
  private a = new Float64Array(0);
  private b = new Float64Array(0);
  private c = new Float64Array(0);
  private kind: Kind | null = null;
  private known = 0;

  /** Takes the places that are new since the last call. */
  update(d: Dataset, world: World): void {
    const p = d.places;
    if (this.lon.length < p.n) this.grow(Math.max(p.n, 2 * this.lon.length));
    this.known = Math.min(this.known, this.n);
    for (let i = this.n; i < p.n; i++) {
      const coarse = p.precision[i] === 3 || !p.located[i];
      const at = (coarse && world.centre.get(p.country[i])) || (p.located[i] ? [p.lon[i] * rad, p.lat[i] * rad] : undefined);
      this.how[i] = !at ? none : coarse ? hollow : heated;
      if (at) [this.lon[i], this.lat[i]] = at;
    }
    this.n = p.n;
  }

  /** Forgets all places: another dataset follows. */
  clear(): void {
    this.n = this.known = 0;
  }

  /** Puts every place where a view shows it. */
  look(camera: Camera): void {
    this.project(camera, this.x, this.y);
  }

  /** The same into other columns, for a view that is not shown. */
  project(camera: Camera, x: Float32Array, y: Float32Array): void {
    this.prepare(camera.kind);
    const { a, b, c, lon, n } = this, { k, y0 } = camera, w = camera.width / 2, h = camera.height / 2;
    if (camera.kind !== "globe") {
      for (let i = 0; i < n; i++) {
        x[i] = w + k * wrap(lon[i] - camera.lon) * a[i];
        y[i] = h - k * (b[i] - y0);
      }
      return;
    }
    const sl = Math.sin(camera.lon), cl = Math.cos(camera.lon), { sin, cos } = camera;
    for (let i = 0; i < n; i++) {
      const along = a[i] * cl + b[i] * sl;
      const seen = cos * along + sin * c[i] >= 0.01; // not on the very edge
      x[i] = seen ? w + k * (b[i] * cl - a[i] * sl) : NaN;
      y[i] = seen ? h - k * (cos * c[i] - sin * along) : NaN;
    }
  }

  private prepare(kind: Kind): void {
    if (this.kind !== kind) this.known = 0;
    this.kind = kind;
    for (let i = this.known; i < this.n; i++) {
      const lat = this.lat[i], lon = this.lon[i];
      if (kind === "globe") {
        this.a[i] = Math.cos(lat) * Math.cos(lon);
        this.b[i] = Math.cos(lat) * Math.sin(lon);
        this.c[i] = Math.sin(lat);
      } else {
        this.a[i] = flatX(kind, lat);
        this.b[i] = flatY(kind, lat);
      }
    }
    this.known = this.n;
  }

  private grow(size: number): void {
    const more = <T extends Float64Array | Float32Array | Uint8Array>(old: T): T => {
      const a = new (old.constructor as new (n: number) => T)(size);
      a.set(old as never);
      return a;
    };
    this.lon = more(this.lon);
    this.lat = more(this.lat);
    this.how = more(this.how);
    this.a = more(this.a);
    this.b = more(this.b);
    this.c = more(this.c);
    this.x = new Float32Array(size).fill(NaN);
    this.y = new Float32Array(size).fill(NaN);
  }
}
