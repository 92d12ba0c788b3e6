// Heat of change: what grew is green, what shrank is purple, what stayed is bare.

import type { Grid } from "../heat";
import type { Ramp } from "../ramp";
import type { Scale } from "../scale";

/** Below the low limit colour fades out, over this factor. */
const fade = 4;

/** Makes the painter of signed grids with two ramps; the scale is that of the size of a change. */
export function colourChange({ less, more }: { less: Ramp; more: Ramp }) {
  return (g: Grid, s: Scale, _: Ramp, out: Uint8ClampedArray): void => {
    const per = 255 / Math.log(s.high / s.low), low = Math.log(s.low), floor = s.low / fade, perFade = 1 / Math.log(fade);
    for (let i = 0, p = 0; i < g.values.length; i++, p += 4) {
      const v = Math.abs(g.values[i]);
      if (v <= floor) {
        out[p + 3] = 0;
        continue;
      }
      const log = Math.log(v) - low, t = Math.max(0, Math.min(255, (log * per) | 0)), table = g.values[i] > 0 ? more : less;
      out[p] = table[4 * t];
      out[p + 1] = table[4 * t + 1];
      out[p + 2] = table[4 * t + 2];
      out[p + 3] = 255 * (log < 0 ? 0.6 * (1 + log * perFade) : 0.6 + (0.37 * t) / 255);
    }
  };
}
