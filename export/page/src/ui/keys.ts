// Keys that work on the whole page; the map's own are in mapkeys.ts, the playback's in
// playback.tsx.

import { live } from "../model";
import { about, alerting, help, map, sharing, sheet } from "../page";
import { stop } from "../player";
import * as s from "../state";
import { mapKeys } from "./mapkeys";

/** Hears them until what it returns is called. */
export function hear(): () => void {
  addEventListener("keydown", keys);
  return () => removeEventListener("keydown", keys);
}

/** Keys that work everywhere but in a text field. */
function keys(e: KeyboardEvent): void {
  const typing = e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement;
  if (e.key === "Escape") return escape(e.target as HTMLElement);
  if (typing || e.ctrlKey || e.metaKey || e.altKey) return;
  const action: Record<string, () => void> = {
    ...mapKeys,
    "/": () => document.querySelector<HTMLInputElement>("#filter")?.focus(),
    "?": () => (help.value = true),
    i: () => (about.value = true),
    s: () => (sharing.value = true),
    e: () => (alerting.value = live.value),
    b: () => (s.unit.value = s.unit.value === "bytes" ? "packets" : "bytes"),
    t: () => (s.theme.value = document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
    u: () => (s.zone.value = s.zone.value === "utc" ? "local" : "utc"),
    "0": () => {
      s.view.value = null;
      map.value?.home(true);
    },
    "+": () => map.value?.zoomBy(1.6),
    "=": () => map.value?.zoomBy(1.6),
    "-": () => map.value?.zoomBy(1 / 1.6),
  };
  const run = action[e.key];
  if (run) {
    e.preventDefault();
    run();
  }
}

/** Escape goes back one step: filters, card, playback, brush. Sheets close themselves. */
function escape(target: HTMLElement): void {
  if (sheet.value) sheet.value = false;
  else if (target instanceof HTMLInputElement) target.blur();
  else if (s.selected.value) s.selected.value = null;
  else if (s.at.value !== null) stop();
  else s.brush.value = null;
}
