// The evidence, on one sheet: where the numbers are from, and how to have them again.

import { dataset, live, revision } from "../model";
import { about } from "../page";
import { proof, type Line } from "../proof";
import { zone } from "../state";
import { knownCoarsely } from "../sums";
import { Copy } from "./copy";
import { Dialog } from "./dialog";
import { FleetPanel } from "./fleet";
import "./about.css";

export function About() {
  revision.value;
  const m = dataset.value?.meta;
  return (
    <Dialog title={live.value ? "About these numbers" : "About this file"} kind="about" close={() => (about.value = false)}>
      {m ? <dl>{proof(m, zone.value, live.value, knownCoarsely(dataset.value!)).map((l, i) => <Fact key={i} line={l} />)}</dl> : <p>Nothing has been read yet.</p>}
      {m?.command && <p><Copy text={m.command}>Copy the command</Copy></p>}
      {live.value && <FleetPanel />}
      {!live.value && <p class="quiet">The program prints the SHA-256 of each file it exports: <code>sha256sum FILE</code> tells whether this is still that file.</p>}
    </Dialog>
  );
}

function Fact({ line: l }: { line: Line }) {
  const text = l.code ? <code>{l.text}</code> : l.loss ? <span class="loss">{l.text}</span> : l.text;
  return <div><dt>{l.what}</dt><dd>{l.link ? <a href={l.link} target="_blank" rel="noopener noreferrer">{text}</a> : text}</dd></div>;
}
