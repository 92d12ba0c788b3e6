// All that is around the map and over it: asked for by later.ts once the map is drawn.

import { useEffect } from "preact/hooks";
import * as alerts from "../alerts";
import * as anycast from "../anycast";
import * as facts from "../facts";
import * as finer from "../finer";
import * as lists from "../lists";
import { Gestures } from "../map/gestures";
import * as measure from "../measure";
import * as overview from "../overview";
import { about, alerting, help, map, sharing, sheet, tall } from "../page";
import * as versus from "../versus";
import { About } from "./about";
import { AlertSheet } from "./alerts";
import { Answer } from "./answer";
import { Chips } from "./chips";
import { Footer } from "./footer";
import { Help } from "./help";
import { hear } from "./keys";
import { Over } from "./over";
import { PaperCourse, PaperProof } from "./paper";
import { Clock } from "./playback";
import { Share } from "./share";
import { Side } from "./side";
import { Timeline } from "./timeline";
// Last, for they have the last word. All styles are in the head of the built file,
// where also what is shown before this module runs finds them.
import "uplot/dist/uPlot.min.css";
import "../style.css";
import "../phone.css";
import "../paper.css";

export { keepFresh } from "../refresh";
export { Over };

/** Asks the sensor for what stands around the map. */
export function follow(): void {
  lists.follow();
  finer.follow();
  overview.follow();
  versus.follow();
  measure.follow();
  facts.watch();
  alerts.follow();
  anycast.follow();
}

export function Head() {
  useEffect(hear, []);
  useEffect(() => map.value?.handTo((canvas, hands) => new Gestures(canvas, hands)), []);
  return (
    <>
      <Answer />
      <Chips />
      {sheet.value && <div class="scrim" aria-hidden="true" onClick={() => (sheet.value = false)} />}
    </>
  );
}

export function Beside() {
  return (
    <>
      <Clock />
      <aside class="side" aria-label="List of what is on the map">
        <Grip />
        <Side />
      </aside>
    </>
  );
}

export function Foot() {
  return (
    <>
      <Timeline />
      <Footer />
      <PaperCourse />
      <PaperProof />
      {help.value && <Help />}
      {about.value && <About />}
      {sharing.value && <Share />}
      {alerting.value && <AlertSheet />}
    </>
  );
}

/** On a phone the list is a sheet at the bottom: this draws it up, and down again. */
function Grip() {
  return <button type="button" class="sheet-grip" aria-expanded={tall.value} aria-label={tall.value ? "Smaller list" : "Larger list"} onClick={() => (tall.value = !tall.value)} />;
}
