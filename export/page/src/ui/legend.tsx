// What the colours mean, in the corner of the map that has the least data under it.

import { useEffect, useRef, useState } from "preact/hooks";
import { amount } from "../format";
import { sigmaFor } from "../heat";
import { frames, map, scale } from "../page";
import { gradient } from "../ramp";
import { position, ticks } from "../scale";
import { unit } from "../state";
import { theme } from "../theme";

type Corner = "bottom left" | "bottom right" | "top left" | "top right";
const corners: Corner[] = ["bottom left", "bottom right", "top right", "top left"];

export function Legend() {
  const ref = useRef<HTMLDivElement>(null);
  const [corner, setCorner] = useState<Corner>("bottom left");
  const s = scale.value, view = map.value;
  frames.value;
  useEffect(() => {
    const id = setTimeout(() => {
      if (!view || !ref.current) return;
      const w = ref.current.offsetWidth + 16, h = ref.current.offsetHeight + 16;
      const rect = (c: Corner) => ({ x: c.endsWith("left") ? 0 : view.width - w, y: c.startsWith("top") ? 0 : view.height - h, w, h });
      let best = corners[0], least = Infinity;
      for (const c of corners) {
        const n = view.busy(rect(c));
        if (n < least) (least = n), (best = c);
      }
      const covered = [rect(best), { x: view.width - 52, y: 0, w: 52, h: 132 }];
      const moved = JSON.stringify(covered) !== JSON.stringify(view.covered);
      view.covered = covered;
      if (moved) view.schedule();
      setCorner(best);
    }, 90);
    return () => clearTimeout(id);
  });
  if (!s || !view) return null;
  const km = view.reachKm(), sigma = sigmaFor(view.width);
  const near = km >= 10 ? Number(km.toPrecision(km < 100 ? 1 : 2)) : Math.max(1, Math.round(km));
  return (
    <div class={`legend ${corner}`} ref={ref}>
      <div class="legend-title">
        <b>{unit.value}</b> near here
        <svg class="reach" width={4 * sigma} height={4 * sigma} aria-hidden="true"><circle cx={2 * sigma} cy={2 * sigma} r={2 * sigma - 1} /></svg>
        <span class="quiet">{near} km</span>
      </div>
      <div class="bar" style={{ backgroundImage: gradient(theme.value) }} role="img" aria-label={`Colours from ${amount(s.low, unit.value)} to ${amount(s.high, unit.value)} ${unit.value}, logarithmic`} />
      <div class="ticks" aria-hidden="true">
        {ticks(s, unit.value === "bytes" ? 0.27 : 0.21).map((v) => <span key={v} style={{ left: 100 * position(s, v) + "%" }}>{amount(v, unit.value)}</span>)}
      </div>
      {view.hollow && (
        <div class="legend-title quiet" title="Addresses that no database knows more closely, and anycast networks, which are in many places at once">
          <svg class="hollow" width="14" height="14" aria-hidden="true"><circle cx="7" cy="7" r="5.5" /></svg>only the country is known
        </div>
      )}
    </div>
  );
}
