// The logarithmic scale between amounts and colours.

/** Limits snap to 1, 2 or 5 times a power of ten, so that they can be read. */
export function snapDown(v: number): number {
  if (!(v > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(v) + 1e-12);
  const m = v / power;
  return power * (m >= 5 - 1e-9 ? 5 : m >= 2 - 1e-9 ? 2 : 1);
}

export function snapUp(v: number): number {
  if (!(v > 0)) return 1;
  const down = snapDown(v);
  if (Math.abs(down - v) <= v * 1e-9) return down;
  const lead = Math.round(down / 10 ** Math.floor(Math.log10(down) + 1e-12));
  return lead === 2 ? down * 2.5 : down * 2;
}

export interface Scale { low: number; high: number }

/** More than six decades would leave no colour for the differences that matter. */
const decades = 6;

/** The scale of what is there: from the weakest place to the strongest spot. */
export function fitScale(weakest: number, strongest: number): Scale {
  const high = snapUp(strongest);
  const low = snapDown(Math.max(weakest, high / 10 ** decades));
  // Equal amounts are all strong, not all weak: two decades at least, but there is
  // no half of a packet.
  return { low: Math.min(low, Math.max(high / 100, Math.min(1, high / 10))), high };
}

/** 0 at the low limit, 1 at the high one, held between. */
export function position(s: Scale, v: number): number {
  const t = Math.log(v / s.low) / Math.log(s.high / s.low);
  return t < 0 ? 0 : t > 1 ? 1 : t;
}

/** Round values for the legend: both limits, and between them decades with room (a share of the bar) for their text. */
export function ticks(s: Scale, room = 0.21): number[] {
  const inner: number[] = [];
  for (let e = Math.ceil(Math.log10(s.low) + 1e-9); 10 ** e < s.high; e++) {
    const t = position(s, 10 ** e);
    if (t > room && t < 1 - room) inner.push(10 ** e);
  }
  const stride = Math.max(1, Math.ceil(room * Math.log10(s.high / s.low)));
  const first = Math.floor(((inner.length - 1) % stride) / 2);
  return [s.low, ...inner.filter((_, i) => i >= first && (i - first) % stride === 0), s.high];
}
