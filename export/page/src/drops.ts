// What the kernel lost in a part of the window: coverage tells it by spans.

import type { Dataset } from "./dataset";
import type { Drops } from "./sentence";

/** A span that sticks out of the stretch says no more than how many it can be at most. */
export function dropsIn(d: Dataset, from: number, to: number): Drops {
  if (from <= d.from && to >= d.to) return { n: d.meta.drops };
  const out: Drops = { n: 0 };
  for (const c of d.meta.coverage ?? []) {
    const a = Date.parse(c.from), b = Date.parse(c.to);
    if (!c.drops || b <= from || a >= to) continue;
    out.n += c.drops;
    if (a < from || b > to) out.most = true;
  }
  return out;
}
