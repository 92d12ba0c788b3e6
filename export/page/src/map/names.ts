// The names on the map over time: placed when it rests, riding along while it moves,
// and standing still while steps are played.

import type { Camera } from "../projection";
import { heaviest } from "../sums";
import type { Placed } from "./labels";
import { glow, placeLabels, ride, type Scene } from "./naming";
import { inside } from "./picking";
import { none } from "./spots";

/** What one frame shows, as far as names depend on it. */
export interface Moment extends Omit<Scene, "radius"> {
  moving: boolean;
  /** Does the scale stand still because steps are played? Names are then those of what it is fitted to. */
  steady: boolean;
  over: Float64Array;
  shown: Float64Array;
  /** Discs by their place, with how far they reach; null where heat is shown. */
  discs: ReadonlyMap<number, number> | null;
  /** Places in sight, heaviest first; those of them that have marks, and rings. */
  seen: number[];
  marked: number[];
  bare: number[];
}

export class Names {
  placed: Placed[] = [];
  private made: { camera: Camera; placed: Placed[]; over: Float64Array } | null = null;

  /** They are placed anew at the next frame, unless that is a step of a playback which they are of. */
  forget(over?: Float64Array): void {
    if (!over || this.made?.over !== over) this.made = null;
  }

  /** Finds the names of a frame. */
  find(ctx: CanvasRenderingContext2D, m: Moment): void {
    const was = this.made, f = was ? m.camera.k / was.camera.k : 0;
    if (m.steady && was?.over === m.over && was.camera === m.camera) this.placed = was.placed;
    else if (was && m.moving && f < 1.25 && f > 0.9) this.placed = ride(was.placed, was.camera, m.camera);
    else this.made = { camera: m.camera, placed: (this.placed = place(ctx, m)), over: m.over };
  }
}

function place(ctx: CanvasRenderingContext2D, m: Moment): Placed[] {
  const { spots, camera, scale, discs } = m, shown = m.steady ? m.over : m.shown;
  let { seen } = m;
  if (m.steady) seen = inside(spots, heaviest(shown, Math.min(shown.length, spots.n), (i) => spots.how[i] !== none), { x: 0, y: 0, w: camera.width, h: camera.height });
  else if (discs) seen = m.marked; // a name is that of a disc
  const radius = (i: number) => (discs || !scale ? (discs?.get(i) ?? 6) + 1 : glow(scale, Math.abs(shown[i]), camera.width));
  return placeLabels(ctx, { ...m, radius }, seen, m.marked, m.bare);
}
