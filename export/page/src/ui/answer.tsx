// Row 1 is the answer, in one sentence: whose traffic, when, how much, how sure.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { bytes, clock, count, exact, share, span } from "../format";
import { connection, read, renewed, status, type Connection } from "../live";
import { blank, dataset, live, partly, revision, selectedTime, sums } from "../model";
import { stale } from "../refresh";
import { narrowed, zone } from "../state";

export function Answer() {
  revision.value;
  const d = dataset.value, v = sums.value;
  return (
    <header class="answer">
      <h1>{d?.meta.title || d?.meta.sensor || status.value.sensor || "packetheat"}</h1>
      {d && v ? <Sentence /> : <span class="quiet">{live.value ? "waiting for the sensor" : "reading"} …</span>}
      <Spoken />
      <span class="grow" />
      {read.value < 1 && <Reading />}
      {live.value ? <Pulse /> : d && <Written />}
    </header>
  );
}

function Sentence() {
  const d = dataset.value!, v = sums.value!, { totals, drops } = d.meta, part = narrowed() || partly.value;
  const [from, to] = selectedTime.value;
  // With two ends on the map a packet is in two rows; a part can only count ends.
  const word = part && totals.twoPublic > 0 ? "endpoint-packets" : "packets";
  const shownPackets = part ? v.totalPackets : totals.packets, shownBytes = part ? v.totalBytes : totals.bytes;
  const ends = v.totalPackets;
  if (blank.value) return <p class="sentence"><Piece>{span(from, to, zone.value)}</Piece><Piece>no data: the sensor was off</Piece></p>;
  return (
    <p class="sentence">
      {from < to && <Piece>{span(from, to, zone.value)}</Piece>}
      <Piece title={`${exact(shownPackets)} packets, ${exact(shownBytes)} bytes`}>
        <b>{count(shownPackets)}</b>{part && shownPackets !== totals.packets && <span class="quiet"> of {count(totals.packets)}</span>} {word}, <b>{bytes(shownBytes)}</b>
      </Piece>
      {!part && totals.twoPublic > 0 && (
        <Piece title="A packet between two public addresses is on the map at both ends, and counted once here">
          {share(totals.twoPublic, totals.packets)} on the map at both ends
        </Piece>
      )}
      <Piece><b>{v.countries}</b> {v.countries === 1 ? "country" : "countries"}</Piece>
      {ends > 0 && <Piece title={`${exact(ends - v.unlocated)} of ${exact(ends)} packets have a place`}>{share(ends - v.unlocated, ends)} located</Piece>}
      <Piece title="Packets the kernel lost before they could be read">
        <span class={drops > 0 ? "loss" : ""}>{count(drops)} dropped</span>
      </Piece>
    </p>
  );
}

/** The same for a screen reader, at most each 30 seconds: ticks come too fast to be read out. */
function Spoken() {
  const [text, setText] = useState("");
  useEffect(() => {
    const say = () => {
      const v = sums.peek();
      if (v) setText(`${count(v.totalPackets)} packets, ${bytes(v.totalBytes)}, ${v.countries} countries`);
    };
    const id = setInterval(say, 30_000);
    return () => clearInterval(id);
  }, []);
  return <span class="unseen" aria-live="polite">{text}</span>;
}

function Piece({ children, title }: { children: ComponentChildren; title?: string }) {
  return <span class="piece" title={title}>{children}</span>;
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

const said: Record<Connection, string> = {
  live: "live", connecting: "connecting", asking: "live, asked every 10 s", resting: "resting", lost: "connection lost, trying again",
};
const why: Partial<Record<Connection, string>> = {
  asking: "Something between the sensor and this page, often a proxy, holds the stream of events back: the page asks for news instead",
  lost: "The sensor does not answer. What is on the map is the last that it said",
};

/** Beats once a tick, not all the time: an idle page costs nothing. */
function Pulse() {
  const c = connection.value;
  return (
    <>
      {renewed.value && <button type="button" class="chip" onClick={() => location.reload()} title="The sensor runs another version of packetheat now than this page is of">New version: reload</button>}
      <span class={`pulse ${c}`} role="status" title={why[c]}><i key={revision.value} aria-hidden="true" />{said[c]}</span>
    </>
  );
}

/** When a file was written; one that is rewritten offers to be read again. */
function Written() {
  const m = dataset.value!.meta, [now, setNow] = useState(Date.now());
  useEffect(() => {
    const id = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(id);
  }, []);
  if (!m.written) return null;
  const old = stale(m, now), at = Date.parse(m.written);
  return (
    <span class={old ? "written old" : "written"}>
      {old ? "no longer rewritten since " : "written "}{clock(at, zone.value, true)}
      {m.refresh ? <button type="button" class="plain" onClick={() => location.reload()} aria-label="Read the file again" title="Read the file again">↻</button> : null}
    </span>
  );
}

