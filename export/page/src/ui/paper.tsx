// What a page on paper has and the screen does not: the map drawn finely, in the
// light theme, and the evidence spelt out.

import { useLayoutEffect, useRef } from "preact/hooks";
import { dataset, live } from "../model";
import { map } from "../page";
import { knownCoarsely } from "../sums";
import { proof } from "../proof";
import { zone } from "../state";
import { printing } from "../theme";

/** The map, as fine as printers are; the canvas of the screen is for the screen. */
export function PaperMap() {
  const host = useRef<HTMLDivElement>(null), view = map.value, on = printing.value;
  useLayoutEffect(() => {
    if (!on || !view || !view.width) return;
    const canvas = view.snapshot(Math.min(3, 8000 / Math.max(view.width, view.height)));
    host.current!.replaceChildren(canvas);
    return () => canvas.remove();
  }, [on, view]);
  return <div class="paper-map" ref={host} aria-hidden="true" />;
}

/** The evidence under the page. */
export function PaperProof() {
  const m = dataset.value?.meta;
  if (!printing.value || !m) return null;
  return <dl class="paper-proof">{proof(m, zone.value, live.value, knownCoarsely(dataset.value!)).map((l, i) => <div key={i}><dt>{l.what}</dt><dd>{l.text}</dd></div>)}</dl>;
}
