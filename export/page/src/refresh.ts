// A file that `run` rewrites reloads itself; the hash, which is the state, stays.

import type { Meta } from "./codec";

export function keepFresh(m: Meta): void {
  if (!m.refresh || m.refresh <= 0) return;
  const every = Math.max(2, m.refresh) * 1000;
  const turn = () => {
    const typing = document.activeElement instanceof HTMLInputElement;
    if (document.visibilityState === "hidden" || typing || held) setTimeout(turn, 1000);
    else location.reload();
  };
  setTimeout(turn, every);
}

/** Something is being dragged: not now. */
let held = false;
addEventListener("pointerdown", () => (held = true));
addEventListener("pointerup", () => (held = false));
addEventListener("pointercancel", () => (held = false));

/** Is the file older than the sensor would leave it? */
export function stale(m: Meta, now: number): boolean {
  return !!m.refresh && !!m.written && now - Date.parse(m.written) > Math.max(60_000, 6000 * m.refresh);
}
