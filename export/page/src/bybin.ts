// Rows in order of time, so that the sums of any stretch come from its rows alone:
// a playback's step or a brush that moved adds what is new and takes away what is gone.

import type { Dataset } from "./dataset";
import type { Rows } from "./codec";
import { everywhere, finish, type Sums, type Unit } from "./sums";

/** The numbers of rows by bin: those of bin b are order[start[b]] to order[start[b + 1]]. */
export interface ByBin { order: Uint32Array; start: Uint32Array }

/** Sorts rows by bin, in two passes; rows of one bin keep their order. */
export function byBin(rows: Rows): ByBin {
  const { n, bin } = rows;
  let bins = 0;
  for (let i = 0; i < n; i++) if (bin[i] >= bins) bins = bin[i] + 1;
  const start = new Uint32Array(bins + 1), order = new Uint32Array(n);
  for (let i = 0; i < n; i++) start[bin[i] + 1]++;
  for (let b = 0; b < bins; b++) start[b + 1] += start[b];
  const next = start.slice();
  for (let i = 0; i < n; i++) order[next[bin[i]]++] = i;
  return { order, start };
}

/** The rows of the bins from a up to b, as a part of order. */
function part(index: ByBin, a: number, b: number): [number, number] {
  const last = index.start.length - 1;
  return [index.start[Math.max(0, Math.min(last, a))], index.start[Math.max(0, Math.min(last, b))]];
}

/**
 * Sums over a stretch of bins that moves. Amounts are whole numbers below 2^53, so
 * adding and taking away leaves no rest. A Rolling is of one selection and of the
 * rows there were when it was made.
 */
export class Rolling {
  private readonly pin: Float64Array;
  private readonly pout: Float64Array;
  private readonly bin: Float64Array;
  private readonly bout: Float64Array;
  private readonly opens: Float64Array;
  private from = 0;
  private to = 0;

  constructor(private readonly d: Dataset, private readonly index: ByBin, private readonly keys: number, private readonly places = everywhere(d.places.n)) {
    const n = d.places.n;
    [this.pin, this.pout, this.bin, this.bout, this.opens] = Array.from({ length: 5 }, () => new Float64Array(n));
  }

  /** The sums of the bins from a up to b; the series is passed on. */
  sums(a: number, b: number, series: Sums["series"]): Sums {
    this.move(a, Math.max(a, b));
    const copy = (v: Float64Array) => v.slice();
    return finish(this.d, [copy(this.pin), copy(this.pout)], [copy(this.bin), copy(this.bout)], copy(this.opens), series);
  }

  private move(a: number, b: number): void {
    const { from, to } = this, rows = (x: number, y: number) => (x < y ? part(this.index, x, y).reduce((p, q) => q - p) : 0);
    const apart = b <= from || a >= to;
    const changed = rows(a, Math.min(b, from)) + rows(Math.max(a, to), b) + rows(from, Math.min(to, a)) + rows(Math.max(from, b), to);
    if (apart || changed > rows(a, b)) {
      for (const v of [this.pin, this.pout, this.bin, this.bout, this.opens]) v.fill(0);
      this.add(a, b, 1);
    } else {
      this.add(a, Math.min(b, from), 1);
      this.add(Math.max(a, to), b, 1);
      this.add(from, Math.min(to, a), -1);
      this.add(Math.max(from, b), to, -1);
    }
    this.from = a;
    this.to = b;
  }

  private add(a: number, b: number, sign: 1 | -1): void {
    if (a >= b) return;
    const { place, key, packets, bytes, opens } = this.d.rows, { order } = this.index, { keys, places } = this;
    const [first, end] = part(this.index, a, b);
    for (let k = first; k < end; k++) {
      const i = order[k], p = place[i];
      if (!((keys >> key[i]) & 1) || !places[p]) continue;
      const out = key[i] & 1;
      (out ? this.pout : this.pin)[p] += sign * packets[i];
      (out ? this.bout : this.bin)[p] += sign * bytes[i];
      this.opens[p] += sign * opens[i];
    }
  }
}

/** What places have in some bins: of those that have anything, and in no order. */
interface Part { places: Uint32Array; amounts: Float64Array }

/** How much of a step's weight is left one step later; for how many steps it is. */
const fade = 0.25, trail = 3;

/** Steps whose parts are kept: those of a trail, and a few that are gone back to. */
const kept = 16;

/** What the map shows of single steps, of one selection and one unit. */
export class Trail {
  private readonly scratch: Float64Array;
  private readonly parts = new Map<string, Part>();

  constructor(private readonly d: Dataset, private readonly index: ByBin, private readonly unit: Unit, private readonly keys: number, private readonly places = everywhere(d.places.n)) {
    this.scratch = new Float64Array(d.places.n);
  }

  /**
   * A step's own amounts, and behind them a short trail of the steps before, fading.
   * Where a place has both, the larger is shown, so that no amount is ever shown
   * larger than it was. edges are those of the steps, the newest last.
   */
  shown(edges: number[]): Float64Array {
    const out = new Float64Array(this.d.places.n);
    let f = 1;
    for (let i = edges.length - 1; i > 0 && edges.length - 1 - i <= trail; i--, f *= fade) raise(out, this.part(edges[i - 1], edges[i]), f);
    return out;
  }

  /** Of the steps between these edges, the one with the strongest spot: the map's scale is fitted to it. */
  strongest(edges: number[]): Float64Array {
    const out = new Float64Array(this.d.places.n), spots = new Spots(this.d);
    let best: Part | null = null, most = 0;
    for (let i = 1; i < edges.length; i++) {
      const p = this.sum(edges[i - 1], edges[i]), spot = spots.strongest(p);
      if (spot > most) (best = p), (most = spot);
    }
    if (best) raise(out, best, 1);
    return out;
  }

  private part(a: number, b: number): Part {
    const id = `${a} ${b}`;
    let p = this.parts.get(id);
    if (p) this.parts.delete(id); // it is the newest again
    else p = this.sum(a, b);
    this.parts.set(id, p);
    if (this.parts.size > kept) this.parts.delete(this.parts.keys().next().value!);
    return p;
  }

  /** Adds up what each place has from bin a up to b. */
  private sum(a: number, b: number): Part {
    const { place, key } = this.d.rows, amounts = this.d.rows[this.unit], { scratch, places } = this, { order } = this.index;
    const [first, end] = part(this.index, a, b), found = new Uint32Array(Math.min(end - first, this.d.places.n));
    let n = 0;
    for (let k = first; k < end; k++) {
      const i = order[k], p = place[i];
      if (!((this.keys >> key[i]) & 1) || !places[p] || !(amounts[i] > 0)) continue;
      if (scratch[p] === 0) found[n++] = p;
      scratch[p] += amounts[i];
    }
    const used = found.slice(0, n);
    return { places: used, amounts: Float64Array.from(used, (p) => {
      const v = scratch[p];
      scratch[p] = 0;
      return v;
    }) };
  }
}

/** Degrees of a cell: two by two of them are about as far as heat spreads on a map of the world. */
const cell = 3, across = 360 / cell + 1, down = 180 / cell + 1;

/** Finds how much there is where there is most, roughly: heat adds up what is near. */
class Spots {
  private readonly at: Int32Array; // the cell of each place
  private readonly grid = new Float64Array(across * down);

  constructor(d: Dataset) {
    const { n, lat, lon, located } = d.places;
    this.at = Int32Array.from({ length: n }, (_, i) => (located[i] ? Math.floor((lat[i] + 90) / cell) * across + Math.floor((lon[i] + 180) / cell) : -1));
  }

  strongest({ places, amounts }: Part): number {
    const { at, grid } = this;
    let most = 0;
    for (let i = 0; i < places.length; i++) {
      const c = at[places[i]];
      if (c >= 0) grid[c] += amounts[i];
    }
    for (let i = 0; i < places.length; i++) {
      const c = at[places[i]];
      if (c < 0) continue;
      for (const o of [c, c - 1, c - across, c - across - 1]) {
        const sum = (grid[o] ?? 0) + (grid[o + 1] ?? 0) + (grid[o + across] ?? 0) + (grid[o + across + 1] ?? 0);
        if (sum > most) most = sum;
      }
    }
    for (let i = 0; i < places.length; i++) if (at[places[i]] >= 0) grid[at[places[i]]] = 0;
    return most;
  }
}

function raise(out: Float64Array, { places, amounts }: Part, f: number): void {
  for (let i = 0; i < places.length; i++) {
    const p = places[i], v = amounts[i] * f;
    if (v > out[p]) out[p] = v;
  }
}
