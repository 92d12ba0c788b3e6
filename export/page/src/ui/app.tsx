// The layout: the answer, the questions, map and list, the course of time.

import { useEffect } from "preact/hooks";
import { about, alerting, broken, help, map, sharing, sheet, tall } from "../page";
import { live } from "../model";
import { stop } from "../player";
import * as s from "../state";
import { About } from "./about";
import { AlertSheet } from "./alerts";
import { Answer } from "./answer";
import { Chips } from "./chips";
import { Footer } from "./footer";
import { Help } from "./help";
import { Map } from "./map";
import { PaperCourse, PaperProof } from "./paper";
import { mapKeys } from "./mapkeys";
import { Clock } from "./playback";
import { Share } from "./share";
import { Side } from "./side";
import { Timeline } from "./timeline";

export function App() {
  useEffect(() => {
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);
  if (broken.value) return <p class="broken" role="alert">{broken.value}</p>;
  return (
    <div class="page">
      <Answer />
      <Chips />
      {sheet.value && <div class="scrim" aria-hidden="true" onClick={() => (sheet.value = false)} />}
      <main class={tall.value ? "middle tall" : "middle"}>
        <Map />
        <Clock />
        <aside class="side" aria-label="List of what is on the map">
          <Grip />
          <Side />
        </aside>
      </main>
      <Timeline />
      <Footer />
      <PaperCourse />
      <PaperProof />
      {help.value && <Help />}
      {about.value && <About />}
      {sharing.value && <Share />}
      {alerting.value && <AlertSheet />}
    </div>
  );
}

/** On a phone the list is a sheet at the bottom: this draws it up, and down again. */
function Grip() {
  return <button type="button" class="sheet-grip" aria-expanded={tall.value} aria-label={tall.value ? "Smaller list" : "Larger list"} onClick={() => (tall.value = !tall.value)} />;
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
