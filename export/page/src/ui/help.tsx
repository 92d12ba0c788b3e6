// The keys, on one sheet.

import { help } from "../page";
import { Dialog } from "./dialog";
import "./help.css";
import { mapKeyNames } from "./mapkeys";

const list = [
  ["/", "filter"], ["Space", "play or pause"], ["← →", "a step back or on; on the map: move it"], ["Shift ← →", "the gap before or after"], ["b", "packets or bytes"],
  ["+ −", "zoom"], ["0", "show all data"], ["Enter", "open the place in the middle of the map"], ...mapKeyNames, ["s", "share: files, picture, link"], ["i", "about these numbers"], ["e", "alerts, in the dashboard"],
  ["t", "light or dark"], ["u", "UTC or local time"], ["Esc", "one step back"], ["?", "this sheet"],
];

export function Help() {
  return (
    <Dialog title="Keys" kind="help" close={() => (help.value = false)}>
      <dl>{list.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}</dl>
    </Dialog>
  );
}
