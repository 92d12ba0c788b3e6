// What the page knows: places, rows and details, growing tick by tick when live.

import type { Columns, Details, Meta, Places, Rows, Span } from "./codec";
import { largest, roomy } from "./narrow";

/** An array that grows by doubling; n of it are used. */
function grown<T extends Uint8Array | Uint32Array | Float64Array>(a: T, need: number): T {
  if (a.length >= need) return a;
  const bigger = new (a.constructor as new (n: number) => T)(Math.max(need, 2 * a.length, 64));
  bigger.set(a as never);
  return bigger;
}

export class Dataset {
  meta: Meta;
  readonly start: number; // of bin 0, ms
  readonly step: number; // of a bin, ms
  places: Places;
  rows: Rows;
  details: Details;
  private index?: Map<string, number>;

  constructor(c: Columns) {
    this.meta = c.meta;
    this.start = Date.parse(c.meta.start);
    this.step = Math.max(1, c.meta.step) * 1000;
    this.places = c.places;
    this.rows = c.rows;
    this.details = c.details;
  }

  get from(): number {
    return Date.parse(this.meta.from);
  }
  get to(): number {
    return Date.parse(this.meta.to);
  }

  /** The first bin of the window, and the first behind it. */
  bins(): [number, number] {
    const last = Math.max(1, Math.ceil((this.to - this.start) / this.step));
    return [Math.max(0, Math.floor((this.from - this.start) / this.step)), last];
  }

  timeOf(bin: number): number {
    return this.start + bin * this.step;
  }

  /** The bin of a time: rounded, for brushes are dragged by hand. */
  binOf(time: number): number {
    return Math.round((time - this.start) / this.step);
  }

  /** Adds another answer's rows; its places join the dictionary. */
  append(c: Columns): void {
    const to = this.adopt(c.places);
    const start = Date.parse(c.meta.start), step = Math.max(1, c.meta.step) * 1000;
    const r = this.rows, more = c.rows, need = r.n + more.n;
    const bin = (i: number) => Math.max(0, Math.floor((start + i * step - this.start) / this.step));
    r.place = roomy(r.place, need, this.places.n);
    r.key = grown(r.key, need);
    r.bin = roomy(r.bin, need, bin(largest(more.bin, more.n)));
    r.packets = roomy(r.packets, need, largest(more.packets, more.n));
    r.bytes = roomy(r.bytes, need, largest(more.bytes, more.n));
    r.opens = roomy(r.opens, need, largest(more.opens, more.n));
    for (let i = 0; i < more.n; i++) {
      const at = r.n + i;
      r.place[at] = to[more.place[i]];
      r.key[at] = more.key[i];
      r.bin[at] = bin(more.bin[i]);
      r.packets[at] = more.packets[i];
      r.bytes[at] = more.bytes[i];
      r.opens[at] = more.opens[i];
    }
    r.n = need;
  }

  /** The whole bins that a stretch touches, within the window's begin: as times. */
  whole([from, to]: [number, number]): [number, number] {
    const first = Math.floor((from - this.start) / this.step), end = Math.ceil((to - this.start) / this.step);
    return [Math.max(this.from, this.timeOf(first)), this.timeOf(end)];
  }

  /** Puts an answer about a stretch of whole bins in place of what was known of it. Rows that have left the window go, too. */
  replace(c: Columns, from: number, to: number): void {
    const [begin] = this.bins(), first = Math.floor((from - this.start) / this.step), end = Math.ceil((to - this.start) / this.step);
    const r = this.rows;
    let n = 0;
    for (let i = 0; i < r.n; i++) {
      const bin = r.bin[i];
      if (bin < begin || (bin >= first && bin < end)) continue;
      r.place[n] = r.place[i];
      r.key[n] = r.key[i];
      r.bin[n] = bin;
      r.packets[n] = r.packets[i];
      r.bytes[n] = r.bytes[i];
      r.opens[n] = r.opens[i];
      n++;
    }
    r.n = n;
    this.append(c);
    const kept = cut(this.meta.coverage ?? [], from, to), drops = (list: Span[]) => list.reduce((sum, x) => sum + (x.drops ?? 0), 0);
    const gone = drops(this.meta.coverage ?? []) - drops(kept);
    const coverage = [...kept, ...(c.meta.coverage ?? [])].sort((a, b) => Date.parse(a.from) - Date.parse(b.from));
    this.meta = { ...this.meta, coverage, drops: Math.max(0, this.meta.drops - gone) + c.meta.drops };
  }

  /** Makes the window another: what was known before its begin is not of it any more. */
  move(from: number, to: number): void {
    const all = this.meta.coverage ?? [], kept = cut(all, -Infinity, from);
    const gone = all.filter((x) => Date.parse(x.to) <= from).reduce((sum, x) => sum + (x.drops ?? 0), 0);
    this.meta = { ...this.meta, from: new Date(from).toISOString(), to: new Date(to).toISOString(), coverage: kept, drops: Math.max(0, this.meta.drops - gone) };
  }

  /** Stretches without data: the sensor did not run, or the tick is still open. */
  gaps(): [number, number][] {
    return (this.meta.coverage ?? []).filter((c) => c.state === "off").map((c) => [Date.parse(c.from), Date.parse(c.to)]);
  }

  /** Is a gap just the tick that is still open? */
  stillOpen([from, to]: [number, number]): boolean {
    return to >= this.to && from >= this.to - 3000 * Math.max(1, this.meta.tick ?? 10);
  }

  /** Makes the headline that of the window: exact while no packet is in two rows. */
  countWindow(): void {
    const [from, to] = this.bins(), r = this.rows, p = this.places;
    let packets = 0, bytes = 0, unlocated = 0;
    for (let i = 0; i < r.n; i++) {
      if (r.bin[i] < from || r.bin[i] >= to) continue;
      packets += r.packets[i];
      bytes += r.bytes[i];
      if (!p.located[r.place[i]] && !p.country[r.place[i]]) unlocated += r.packets[i];
    }
    this.meta.totals = { ...this.meta.totals, packets, bytes, unlocated, located: packets - unlocated };
  }

  /** The numbers that another dictionary's places have in this one; those that are new join it. */
  adopt(other: Places): Int32Array {
    return Int32Array.from({ length: other.n }, (_, i) => this.placeIndex(other, i));
  }

  /** The place of another dictionary in this one, added if it is new. */
  private placeIndex(other: Places, i: number): number {
    const p = this.places;
    if (!this.index) {
      this.index = new Map();
      for (let k = 0; k < p.n; k++) this.index.set(placeKey(p, k), k);
    }
    const key = placeKey(other, i);
    let at = this.index.get(key);
    if (at === undefined) {
      at = p.n++;
      this.index.set(key, at);
      p.lat = grown(p.lat, p.n);
      p.lon = grown(p.lon, p.n);
      p.located = grown(p.located, p.n);
      p.precision = grown(p.precision, p.n);
      p.accuracy = grown(p.accuracy, p.n);
      p.lat[at] = other.lat[i];
      p.lon[at] = other.lon[i];
      p.located[at] = other.located[i];
      p.precision[at] = other.precision[i];
      p.accuracy[at] = other.accuracy[i];
      p.country[at] = other.country[i];
      p.region[at] = other.region[i];
      p.city[at] = other.city[i];
    }
    return at;
  }
}

/** Coverage without a stretch. Losses stay with what is left of their span, once. */
function cut(list: Span[], from: number, to: number): Span[] {
  const out: Span[] = [], time = (t: number) => new Date(t).toISOString();
  for (const span of list) {
    const a = Date.parse(span.from), b = Date.parse(span.to);
    if (a < from) out.push(b > from ? { ...span, to: time(from) } : span);
    if (b > to) out.push(a < to ? { ...span, from: time(to), drops: a < from ? undefined : span.drops } : span);
  }
  return out;
}

/** What makes two places the same, across answers and in links. */
export function placeKey(p: Places, i: number): string {
  return `${p.located[i] ? coordinates(p, i) : ""}|${p.country[i]}|${p.region[i]}|${p.city[i]}`;
}

/** As the filter language writes it: place:LAT,LON, four decimals. */
export function coordinates(p: Places, i: number): string {
  return `${p.lat[i].toFixed(4)},${p.lon[i].toFixed(4)}`;
}

/** The best name there is: city, else region, else country. */
export function placeName(p: Places, i: number, country: (code: string) => string): string {
  if (p.city[i]) return p.city[i];
  if (p.region[i]) return p.region[i];
  return country(p.country[i]);
}
