// Steps of time for playback, where the sensor's answer about the whole window has too
// few: a window of very many places comes in one piece, for an answer is bounded. Its
// parts are asked for one by one, each as short as it must be to come in steps.

import { effect } from "@preact/signals";
import { cells } from "./api";
import type { Columns } from "./codec";
import { Dataset } from "./dataset";
import { asked, read } from "./live";
import * as model from "./model";
import { stepLength } from "./playback";
import * as s from "./state";

/** Fewer steps than these are no film. */
const fewest = 24;

/** More rows than these no page should hold: then the steps stay as they are. */
const mostRows = 5_000_000;

export type Ask = (from: number, to: number, step: number) => Promise<Columns>;

/** The length of steps that playing a stretch wants, ms; 0 where the data has enough of them. */
export function wanted(d: Dataset, from: number, to: number): number {
  const tick = 1000 * (d.meta.tick ?? 10);
  return (to - from) / d.step >= fewest || d.step <= tick ? 0 : stepLength(to - from, tick);
}

/**
 * The data of a stretch in steps of a length, put together from parts; told hears of
 * each. A part that comes in longer steps is asked for in halves, down to one step,
 * which comes as one sum whatever the sensor's bounds are. null: it is too much.
 */
export async function gather(d: Dataset, from: number, to: number, step: number, ask: Ask, told: (share: number) => void): Promise<Dataset | null> {
  const start = Math.floor(from / step) * step, time = (t: number) => new Date(t).toISOString();
  const none = new Uint8Array(0); // append() widens it as it must
  const out = new Dataset({
    meta: { ...d.meta, start: time(start), step: step / 1000, from: time(from), to: time(to), coarsened: undefined },
    places: d.places, details: d.details,
    rows: { n: 0, place: none, key: none, bin: none, packets: none, bytes: none, opens: none },
  });
  const parts: [number, number][] = [];
  const cut = Math.ceil((to - start) / step / 8) * step; // eight parts to begin with
  for (let t = start; t < to; t += cut) parts.push([t, Math.min(to, t + cut)]);
  for (let next = parts.shift(); next; next = parts.shift()) {
    const [a, b] = [Math.max(from, next[0]), next[1]], one = b - next[0] <= step, c = await ask(a, b, step);
    if (!one && c.meta.step * 1000 > step) {
      const middle = next[0] + Math.ceil((b - next[0]) / step / 2) * step;
      parts.unshift([next[0], middle], [middle, b]);
      continue;
    }
    // One step alone may come as the whole stretch: it is in this bin, wherever the answer begins.
    if (one) c.meta = { ...c.meta, start: time(next[0]), step: step / 1000 }, c.rows.bin.fill(0);
    out.append(c);
    if (out.rows.n > mostRows) return null;
    told((b - from) / (to - from));
  }
  return out;
}

/** While something is played, the data is made finer if it must be. */
export function follow(): void {
  const done = new WeakSet<Dataset>();
  let mine = 0;
  effect(() => {
    const d = model.dataset.value, on = s.at.value !== null;
    if (!d || !on || !model.live.value || read.value < 1 || done.has(d)) return;
    done.add(d);
    const step = wanted(d, d.from, d.to), now = ++mine, filter = asked();
    if (!step) return void (model.refining.value = 1); // what was on its way is not waited for any more
    model.refining.value = 0;
    const ask: Ask = (from, to, by) => cells({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), step: String(by / 1000), ...(filter && { filter }) });
    const mayGoOn = () => now === mine && model.dataset.peek() === d && s.at.peek() !== null;
    gather(d, d.from, d.to, step, ask, (share) => {
      if (!mayGoOn()) throw new Error("something else is asked");
      model.refining.value = share;
    }).then((finer) => {
      if (!finer || !mayGoOn()) return;
      done.add(finer);
      model.dataset.value = finer;
    }).catch(() => {}).finally(() => now === mine && (model.refining.value = 1)); // the steps there are can be played
  });
}
