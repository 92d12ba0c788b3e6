// When the rest of the page comes: lists, timeline, legend and what asks the sensor for
// their sake. Making all of it takes longer than the map does, so the map is drawn first.
// It is all in the one file; import() is what lets its code rest until then.

import { effect } from "@preact/signals";
import { broken, frames, surround } from "./page";
import type * as Surround from "./ui/surround";

/** It comes after so many milliseconds at the latest. */
const longest = 4000;

/** Brings it once the map has been drawn anew, then calls back. A page in the background draws nothing: it does not wait. */
export function surroundMap(then: (around: typeof Surround) => void): void {
  const before = frames.peek();
  let asked = false;
  const bring = () => {
    if (asked) return;
    asked = true;
    import("./ui/surround").then((made) => {
      surround.value = made;
      then(made);
    }, (e: Error) => (broken.value = `This page is damaged: ${e.message}. Load it again.`));
  };
  if (document.hidden) return bring();
  setTimeout(bring, longest); // whatever keeps the map from being drawn
  document.addEventListener("visibilitychange", bring, { once: true });
  effect(() => {
    if (asked || frames.value === before) return;
    // Behind the frame that shows it: the browser asks for another once it has painted that one.
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(bring, 0)));
  });
}
