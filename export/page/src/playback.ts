// Playback cuts the selected time into about sixty steps of a length that clocks
// have: which bins each step is of, how much of it the sensor was on, where gaps are.

import type { Dataset } from "./dataset";

const second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;

/** Lengths a step may have. Each divides the next calendar unit, so that steps begin on round times. */
const lengths = [
  second, 2 * second, 5 * second, 10 * second, 15 * second, 20 * second, 30 * second,
  minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 20 * minute, 30 * minute,
  hour, 2 * hour, 3 * hour, 4 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day, 14 * day, 28 * day, 56 * day,
];

/** A window has about so many steps. */
const wanted = 60;

/** The steps of a playback. Step i is of the bins from edge(i) up to edge(i + 1). */
export class Steps {
  readonly n: number;
  /** The length of a whole step, ms; the first and the last may be shorter. */
  readonly length: number;
  private readonly origin: number; // bin at which step 0 would begin if it were whole
  private readonly stride: number; // bins

  constructor(private readonly d: Dataset, readonly from: number, readonly to: number) {
    this.length = stepLength((to - from) * d.step, d.step);
    this.stride = this.length / d.step;
    const round = Math.floor(d.timeOf(from) / this.length) * this.length;
    this.origin = this.stride === 1 ? from : Math.floor((round - d.start) / d.step);
    this.n = Math.max(1, Math.ceil((to - this.origin) / this.stride));
  }

  /** The first bin of a step; of the one behind the last, the end. */
  edge(i: number): number {
    return Math.max(this.from, Math.min(this.to, this.origin + i * this.stride));
  }

  /** The step that a time lies in, held to those there are. */
  at(time: number): number {
    const bin = Math.floor((time - this.d.start) / this.d.step);
    return Math.max(0, Math.min(this.n - 1, Math.floor((bin - this.origin) / this.stride)));
  }

  /** When a step begins and ends, ms. */
  span(i: number): [number, number] {
    return [this.d.timeOf(this.edge(i)), this.d.timeOf(this.edge(i + 1))];
  }

  /** The next step, one way or the other, in which a gap begins; -1: there is none. */
  nextGap(i: number, way: 1 | -1): number {
    const starts = this.d.gaps().filter((g) => !this.d.stillOpen(g) && g[1] - g[0] >= this.d.step)
      .map((g) => Math.max(g[0], this.d.timeOf(this.from))).filter((t) => t < this.d.timeOf(this.to));
    const steps = starts.map((t) => this.at(t)).filter((k) => (way > 0 ? k > i : k < i));
    return steps.length === 0 ? -1 : way > 0 ? Math.min(...steps) : Math.max(...steps);
  }
}

/** The length nearest to a sixtieth that is whole bins; a bin where these are longer than that. */
export function stepLength(span: number, bin: number): number {
  let best = bin, least = Infinity;
  for (const length of lengths) {
    const off = Math.abs(Math.log((length * wanted) / span));
    if (length >= bin && length % bin === 0 && off < least) (least = off), (best = length);
  }
  return best;
}

/** How much of a stretch some sensor was on, ms. Without a word about it, all of it was. */
export function covered(d: Dataset, from: number, to: number): number {
  let off = 0;
  for (const [a, b] of d.gaps()) off += Math.max(0, Math.min(b, to) - Math.max(a, from));
  return Math.max(0, to - from - off);
}
