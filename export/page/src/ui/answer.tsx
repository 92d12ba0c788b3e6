// Row 1 is the answer, in one sentence: whose traffic, when, how much, how sure.

import { useEffect, useRef, useState } from "preact/hooks";
import { clock, date, zoneName } from "../format";
import { connection, read, renewed, status, trouble, type Connection } from "../live";
import { dataset, live, revision, sums } from "../model";
import { sharing } from "../page";
import { stale } from "../refresh";
import { heading, room, said } from "../said";
import { plain, type Piece } from "../sentence";
import { zone } from "../state";
import { Bell } from "./alerts";
import { Display } from "./display";

export function Answer() {
  revision.value;
  const ref = useSteadyHeight(), d = dataset.value, v = sums.value;
  return (
    <header class="answer" ref={ref}>
      <h1>{heading}</h1>
      {d && v ? <Sentence /> : <span class="quiet">{live.value ? (trouble.value ? "no answer" : "waiting for the sensor …") : "reading …"}</span>}
      <Spoken />
      <div class="tools">
        {read.value < 1 && <Reading />}
        {live.value ? <Pulse /> : d && <Written />}
        <Bell />
        <Display />
        <button type="button" class="chip" onClick={() => (sharing.value = true)} aria-haspopup="dialog" title="Files, a picture or a link of this view (s)">Share</button>
      </div>
      {d?.meta.note && <p class="note-text">{d.meta.note}</p>}
    </header>
  );
}

/** Row 1 grows with its words and keeps the room until the window changes: were it to shrink, every filter would redraw the whole map in another size. How far an answer has been read stands there for a moment only. */
function useSteadyHeight() {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    let width = 0, height = 0;
    const hold = new ResizeObserver(([entry]) => {
      if (read.peek() < 1) return;
      const row = entry.target as HTMLElement;
      if (row.offsetWidth !== width) (width = row.offsetWidth), (height = 0), (row.style.minHeight = "");
      if (row.offsetHeight > height) (height = row.offsetHeight), (row.style.minHeight = `${height}px`);
    });
    hold.observe(ref.current!);
    return () => hold.disconnect();
  }, []);
  return ref;
}

function Sentence() {
  return (
    <div class="said">
      <p class="sentence">{said.value.map((p, i) => <span key={i} class="piece" title={p.title}>{p.runs.map(run)}</span>)}</p>
      {room.value.map((list, i) => <p key={i} class="sentence room" aria-hidden="true">{list.map((p, n) => <span key={n} class="piece" data-text={plain(p)} />)}</p>)}
    </div>
  );
}

function run([text, strength]: Piece["runs"][number]) {
  return strength === "strong" ? <b>{text}</b> : strength ? <span class={strength}>{text}</span> : text;
}

/** The same for a screen reader, at most each 30 seconds: ticks come too fast to be read out. */
function Spoken() {
  const [text, setText] = useState("");
  useEffect(() => {
    const say = () => {
      if (sums.peek()) setText(said.peek().map(plain).join(", "));
    };
    const id = setInterval(say, 30_000);
    return () => clearInterval(id);
  }, []);
  return <span class="unseen" aria-live="polite">{text}</span>;
}

/** A long answer is on its way: what is shown is a part of it. */
function Reading() {
  const percent = Math.floor(read.value * 100);
  return (
    <span class="reading" role="progressbar" aria-label="Part of the answer that has been read" aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100}>
      reading, {percent} % <i aria-hidden="true"><b style={{ width: `${percent}%` }} /></i>
    </span>
  );
}

const states: Record<Connection, string> = {
  live: "live", connecting: "connecting", asking: "live, asked every 10 s", resting: "resting", lost: "connection lost, trying again",
};
const why: Partial<Record<Connection, string>> = {
  asking: "Something between the sensor and this page, often a proxy, holds the stream of events back: the page asks for news instead",
  lost: "The sensor does not answer. What is on the map is the last that it said",
};

/** Beats once a tick, not all the time: an idle page costs nothing. */
function Pulse() {
  const c = connection.value, stored = c === "live" && status.value.state === "stored";
  return (
    <>
      {renewed.value && <button type="button" class="chip" onClick={() => location.reload()} title="The sensor runs another version of packetheat now than this page is of">New version: reload</button>}
      <span class={`pulse ${c}`} role="status" title={why[c]}><i key={revision.value} aria-hidden="true" />{stored ? "following the store" : states[c]}</span>
    </>
  );
}

/** An export does not say when it was written, so that the same question gives the same file; where its data ends is what counts. */
function Upto() {
  const m = dataset.value!.meta, end = m.coverage?.findLast((c) => c.state !== "off")?.to, at = Date.parse(end ?? m.to);
  if (!(at > 0)) return null;
  const t = Math.min(at, Date.parse(m.to));
  return <span class="written" title={`The data ends ${date(t, zone.value, true)} ${clock(t, zone.value, true)} ${zoneName(t, zone.value)}`}>data up to {clock(t, zone.value, true)}</span>;
}

/** When a file was written; one that is rewritten offers to be read again. */
function Written() {
  const m = dataset.value!.meta, [now, setNow] = useState(Date.now());
  useEffect(() => {
    const id = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(id);
  }, []);
  if (!m.written) return <Upto />;
  const old = stale(m, now), at = Date.parse(m.written);
  return (
    <span class={old ? "written old" : "written"}>
      {old ? "no longer rewritten since " : "written "}{clock(at, zone.value, true)}
      {m.refresh ? <button type="button" class="plain" onClick={() => location.reload()} aria-label="Read the file again" title="Read the file again">↻</button> : null}
    </span>
  );
}

