// A file that `run` rewrites reloads itself; the hash, which is the state, stays,
// and so does the place in the list. Nobody is interrupted: it waits for a pause.

import type { Meta } from "./codec";

/** So long after the last touch a page may reload. */
const pause = 4000;

export function keepFresh(m: Meta): void {
  restore();
  if (!m.refresh || m.refresh <= 0) return;
  let touched = 0;
  for (const kind of ["pointerdown", "pointermove", "wheel", "keydown"]) addEventListener(kind, () => (touched = Date.now()), { passive: true });
  const turn = () => {
    const busy = document.visibilityState === "hidden" || document.activeElement instanceof HTMLInputElement || Date.now() - touched < pause;
    if (busy) return void setTimeout(turn, 1000);
    remember();
    location.reload();
  };
  setTimeout(turn, Math.max(2, m.refresh) * 1000);
}

const name = "packetheat-list";

/** Some browsers give files no storage: then the list starts at its top. */
function remember(): void {
  try {
    sessionStorage.setItem(name, String(document.getElementById("list")?.scrollTop ?? 0));
  } catch {
    // Nothing else depends on it.
  }
}

function restore(): void {
  try {
    const top = Number(sessionStorage.getItem(name));
    sessionStorage.removeItem(name);
    if (top > 0) setTimeout(() => document.getElementById("list")?.scrollTo(0, top), 50);
  } catch {
    // As above.
  }
}

/** Is the file older than the sensor would leave it? */
export function stale(m: Meta, now: number): boolean {
  return !!m.refresh && !!m.written && now - Date.parse(m.written) > Math.max(60_000, 6000 * m.refresh);
}
