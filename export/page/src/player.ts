// Plays the selected time. The position is a signal of the state (so a link has it);
// here are the clockwork and what keys and buttons do.

import { batch, signal } from "@preact/signals";
import type { Dataset } from "./dataset";
import { read } from "./live";
import * as model from "./model";
import { covered, Steps } from "./playback";
import * as s from "./state";

/** Do steps follow each other by themselves? */
export const playing = signal(false);

/** At speed 1 a step is shown for so long, ms: sixty are twenty seconds. */
const pace = 333;

let timer = 0;
/** Did playing hold a live window, so that the end of it lets go? */
let held = false;

/** People who want less motion get one step for each press. */
export function calm(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Plays, or rests; from the end it begins anew. */
export function toggle(): void {
  if (playing.peek()) return pause();
  if (calm()) return stepBy(1);
  const played = begin();
  if (!played) return;
  if (model.step.peek() >= played.n - 1) s.at.value = played.span(0)[0];
  playing.value = true;
  clearTimeout(timer);
  timer = setTimeout(turn, pace / s.speed.peek()) as unknown as number;
}

export function pause(): void {
  clearTimeout(timer);
  playing.value = false;
}

/** Goes so many steps on or back; past an end it stays there. */
export function stepBy(n: number): void {
  const first = s.at.peek() === null, played = begin();
  if (!played || (first && n > 0)) return; // the first step is the first press
  seek(first ? played.n - 1 : model.step.peek() + n);
}

/** Goes to where the next gap begins, one way or the other; without one, to the end. */
export function toGap(way: 1 | -1): void {
  const played = begin();
  if (!played) return;
  const to = played.nextGap(model.step.peek(), way);
  seek(to >= 0 ? to : way > 0 ? played.n - 1 : 0);
}

/** Shows a step. */
export function seek(i: number): void {
  const played = begin();
  if (played) s.at.value = played.span(Math.max(0, Math.min(played.n - 1, i)))[0];
}

/** Ends the playback; a window that was held for it follows the clock again. */
export function stop(): void {
  pause();
  batch(() => {
    s.at.value = null;
    if (held) s.fixed.value = null;
    held = false;
  });
}

/** Back to what there is without anybody choosing: the live window, or all of the file. */
export function back(): void {
  pause();
  held = false;
  batch(() => {
    s.at.value = null;
    s.brush.value = null;
    s.fixed.value = null;
  });
}

/** The steps of the playback, which begins if there was none. A live window is held while it is played. */
function begin(): Steps | null {
  const d = model.dataset.peek();
  if (!d) return null;
  if (s.at.peek() === null) {
    const [from, to] = model.range.peek();
    batch(() => {
      if (model.live.peek()) hold(d.timeOf(from), d.timeOf(to), to - from < 60 && d.step > 1000 * (d.meta.tick ?? 10));
      s.at.value = firstSeen(model.dataset.peek()!, ...model.range.peek());
    });
  }
  return model.steps.peek();
}

/** Where there is something to see first: not in a gap, unless there is nothing else. */
function firstSeen(d: Dataset, from: number, to: number): number {
  const played = new Steps(d, from, to);
  let i = 0;
  while (i < played.n - 1 && covered(d, ...played.span(i)) === 0) i++;
  return covered(d, ...played.span(i)) > 0 ? played.span(i)[0] : d.timeOf(from);
}

/** Holds the window. A brush over steps too coarse to play becomes the window: then the sensor sends finer ones. */
function hold(from: number, to: number, coarse: boolean): void {
  const d = model.dataset.peek()!;
  if (s.brush.peek() && coarse) {
    held = held || s.fixed.peek() === null;
    s.brush.value = null;
    s.fixed.value = [from, to];
  } else if (!s.fixed.peek()) {
    held = true;
    s.fixed.value = [d.from, d.to];
  }
}

/** One step on. While an answer is still being read, or finer steps are on their way, the step waits for it: there may be but one until then. */
function turn(): void {
  const played = model.steps.peek();
  if (!played || !playing.peek()) return pause();
  if (read.peek() >= 1 && model.refining.peek() >= 1) {
    const next = model.step.peek() + 1;
    if (next >= played.n) return pause();
    s.at.value = played.span(next)[0];
  }
  timer = setTimeout(turn, pace / s.speed.peek()) as unknown as number;
}
