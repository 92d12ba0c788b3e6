// Where the places are on the plane, and how each is drawn.

import type { Dataset } from "../dataset";
import { toPlane } from "../projection";
import type { World } from "../world";

export const none = 0, heated = 1, hollow = 2;

export class Spots {
  n = 0;
  x = new Float64Array(0);
  y = new Float64Array(0);
  /** none, heated, or hollow: known to its country only, so never heat on a field somewhere. */
  how = new Uint8Array(0);

  /** Projects the places that are new since the last call. */
  update(d: Dataset, world: World): void {
    const p = d.places;
    if (this.x.length < p.n) {
      const size = Math.max(p.n, 2 * this.x.length);
      const x = new Float64Array(size), y = new Float64Array(size), how = new Uint8Array(size);
      x.set(this.x);
      y.set(this.y);
      how.set(this.how);
      Object.assign(this, { x, y, how });
    }
    for (let i = this.n; i < p.n; i++) {
      const coarse = p.precision[i] === 3 || !p.located[i];
      const at = (coarse && world.centre.get(p.country[i])) || (p.located[i] ? toPlane(p.lon[i], p.lat[i]) : undefined);
      if (!at) continue;
      [this.x[i], this.y[i]] = at;
      this.how[i] = coarse ? hollow : heated;
    }
    this.n = p.n;
  }
}
