// The layout: the answer, the questions, map and list, the course of time. All but the
// map comes a moment later; until then what will be there is held free, so that the map
// does not move.

import { dataset } from "../model";
import { broken, surround, tall } from "../page";
import { heading } from "../said";
import { Map } from "./map";

export function App() {
  if (broken.value) return <p class="broken" role="alert">{broken.value}</p>;
  const s = surround.value;
  return (
    <div class="page">
      {s ? <s.Head /> : <HeadToBe />}
      <main class={tall.value ? "middle tall" : "middle"}>
        <Map />
        {s ? <s.Beside /> : <aside class="side" />}
      </main>
      {s ? <s.Foot /> : <FootToBe />}
    </div>
  );
}

/** As high as a button. */
const button = <button type="button" class="chip held" />;

function HeadToBe() {
  const note = dataset.value?.meta.note;
  return (
    <>
      <header class="answer"><h1>{heading}</h1>{button}{note && <p class="note-text">{note}</p>}</header>
      <section class="chips">{button}</section>
    </>
  );
}

function FootToBe() {
  return (
    <>
      <section class="timeline"><div class="timeline-head">{button}</div><div class="plot" /></section>
      <footer class="footer"><button type="button" class="plain held" /></footer>
    </>
  );
}
