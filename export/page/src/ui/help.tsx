// The keys, on one sheet.

import { useEffect, useRef } from "preact/hooks";
import { help } from "../page";

const list = [
  ["/", "filter"], ["b", "packets or bytes"], ["arrows", "move the map, when it has the focus"], ["+ −", "zoom"], ["0", "show all data"],
  ["Space", "play the time, or rest"], ["← →", "a step back or on"], ["Shift ← →", "the gap before, the next gap"],
  ["Enter", "open the place in the middle of the map"], ["Esc", "one step back"], ["t", "light or dark"], ["u", "UTC or local time"], ["?", "this sheet"],
];

export function Help() {
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => close.current?.focus(), []);
  return (
    <div class="help" role="dialog" aria-modal="true" aria-label="Keys">
      <h2>Keys</h2>
      <dl>{list.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}</dl>
      <button type="button" class="chip" ref={close} onClick={() => (help.value = false)}>Close</button>
    </div>
  );
}
