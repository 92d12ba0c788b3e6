// A card takes the list's place: of a place, a country, a network, an address, a peer
// or a port. Escape returns.

import { useEffect, useRef, useState } from "preact/hooks";
import { factsFromFile, factsFromSensor, nameOf, type Facts, type Part } from "../cards";
import { coordinates, type Dataset } from "../dataset";
import { bytes, clock, count, countryName, date, exact, share } from "../format";
import { listing, shownQuery } from "../lists";
import { live, revision, sums } from "../model";
import { exclude, narrow, toggled, has } from "../query/edit";
import * as s from "../state";
import { idOf, excludedBy, placeAt, termOf, type Subject } from "../subject";
import type { Unit } from "../sums";
import { Actions } from "./actions";
import { Line, Tags } from "./list";
import { Spark } from "./spark";
import "./card.css";

export function Card({ data, subject }: { data: Dataset; subject: Subject }) {
  const unit = s.unit.value, facts = useFacts(subject, data), back = useRef<HTMLButtonElement>(null);
  useEffect(() => back.current?.focus({ preventScroll: true }), [idOf(subject)]);
  const [name, second] = nameOf(subject, data, s.tab.value === subject.tab ? listing.value.items : []);
  return (
    <section class="card" aria-label={name}>
      <div class="card-head">
        <div>
          <h2>{name}</h2>
          {second && <p>{second}</p>}
        </div>
        <button type="button" class="chip icon" ref={back} onClick={() => (s.selected.value = null)} aria-label="Back to the list" title="Back to the list (Esc)">✕</button>
      </div>
      {typeof facts === "string" ? <p class="hint">{facts}</p> : facts && <Told subject={subject} data={data} facts={facts} unit={unit} />}
    </section>
  );
}

function Told({ subject, data, facts: f, unit }: { subject: Subject; data: Dataset; facts: Facts; unit: Unit }) {
  const packets = f.packets[0] + f.packets[1], all = f.bytes[0] + f.bytes[1];
  return (
    <>
      {f.labels.length > 0 && <p class="tags"><Tags labels={f.labels} /></p>}
      <dl class="numbers">
        <div><dt>packets</dt><dd title={exact(packets)}>{count(packets)}</dd></div>
        <div><dt>bytes</dt><dd title={exact(all)}>{bytes(all)}</dd></div>
        <div><dt>of all shown</dt><dd>{share(packets, sums.value?.totalPackets ?? 0)}</dd></div>
      </dl>
      <Split label="packets" pair={f.packets} text={count} />
      <Split label="bytes" pair={f.bytes} text={bytes} />
      {f.course && <Spark course={f.course} unit={unit} />}
      <Known subject={subject} data={data} facts={f} />
      <Changes subject={subject} data={data} />
      <Actions subject={subject} data={data} />
      {f.parts.map((p) => <List key={p.tab} part={p} unit={unit} subject={subject} data={data} />)}
      {f.note && <p class="hint">{f.note}</p>}
    </>
  );
}

/** In and out as one bar, with numbers. */
function Split({ label, pair: [a, b], text }: { label: string; pair: [number, number]; text: (n: number) => string }) {
  const all = a + b || 1;
  return (
    <div class="inout" role="img" aria-label={`${label}: in ${text(a)}, out ${text(b)}`}>
      <span>in {text(a)}</span>
      <span class="bar2"><i class="in" style={{ width: (100 * a) / all + "%" }} /><i class="out" style={{ width: (100 * b) / all + "%" }} /></span>
      <span>out {text(b)}</span>
    </div>
  );
}

const when = (t: number) => `${date(t, s.zone.value)} ${clock(t, s.zone.value, true)}`;

/** What else is known, as a list of terms. */
function Known({ subject, data, facts: f }: { subject: Subject; data: Dataset; facts: Facts }) {
  const p = data.places, at = subject.tab === "place" ? placeAt(data, subject.key) : -1;
  const lines: [string, string, string?][] = [];
  if (f.place) lines.push(["Place", f.place]);
  if (f.network) lines.push(["Network", f.network]);
  if (Number.isFinite(f.first)) lines.push(["First seen", when(f.first!), "In this window, to the step of its time"]);
  if (Number.isFinite(f.last)) lines.push(["Last seen", when(f.last!)]);
  if (f.opens) lines.push(["Opened", `${count(f.opens)} connections`, "TCP connections asked for (SYN), answered or not"]);
  if (at >= 0) lines.push(["Place", precise(p.precision[at], p.accuracy[at], countryName(p.country[at]))]);
  if (at >= 0 && p.located[at]) lines.push(["Coordinates", coordinates(p, at).replace(",", ", ")]);
  if (f.labels.includes("anycast")) lines.push(["Place", "Anycast: the same address answers from many places, so nobody knows which one this was"]);
  return <dl class="known">{lines.map(([term, text, title]) => <><dt title={title}>{term}</dt><dd>{text}</dd></>)}</dl>;
}

/** How sure a place is, in words. */
export function precise(precision: number, km: number, country: string): string {
  const within = km > 0 ? `; the true place is likely within ${exact(km)} km` : "";
  switch (precision) {
    case 1: return `Known to its city${within || "; how far off it may be, the database does not say"}`;
    case 2: return `Known to its region, not its city${within}`;
    case 3: return `Known to be in ${country}; where in it, nobody knows`;
    default: return `How exact it is, the database does not say${within}`;
  }
}

/** Narrows the page to the subject, or leaves it out. */
function Changes({ subject, data }: { subject: Subject; data: Dataset }) {
  const term = termOf(subject, data), out = excludedBy(subject, data);
  if (!term) return null;
  const only = has(s.filter.value, term);
  return (
    <div class="actions" role="group" aria-label="Filter">
      <button type="button" class="chip" data-act="only" aria-pressed={only} title={term} onClick={() => (s.filter.value = toggled(s.filter.value, term))}>{only ? "Show everything again" : "Filter to this"}</button>
      {!only && <button type="button" class="chip" data-act="exclude" title={"-" + out} onClick={() => ((s.filter.value = exclude(s.filter.value, out)), (s.selected.value = null))}>Exclude this</button>}
    </div>
  );
}

/** The biggest of one kind; the heading leads to all of them. */
function List({ part, unit, subject, data }: { part: Part; unit: Unit; subject: Subject; data: Dataset }) {
  const most = part.items.reduce((m, i) => Math.max(m, i[unit][0] + i[unit][1]), 0), term = termOf(subject, data);
  const all = () => {
    s.filter.value = narrow(s.filter.value, term);
    s.tab.value = part.tab;
    s.selected.value = null;
  };
  const whole = part.count > part.items.length && term && (live.value || subject.tab === "place" || subject.tab === "country");
  return (
    <>
      <h3><span>{part.title}</span>{whole && <button type="button" class="plain" onClick={all}>all {exact(part.count)}</button>}</h3>
      <ol>{part.items.map((i) => <Line key={i.key} item={i} most={most} unit={unit} tab={part.tab} />)}</ol>
    </>
  );
}

/** From the file at once, from the sensor when it answers; what it said last stays until then. */
function useFacts(subject: Subject, data: Dataset): Facts | string | null {
  const [answer, setAnswer] = useState<{ id: string; facts: Facts | string } | null>(null), id = idOf(subject);
  const asking = live.value, question = asking ? JSON.stringify(shownQuery()) : "", tick = revision.value;
  useEffect(() => {
    if (!asking) return;
    let gone = false;
    const set = (facts: Facts | string) => !gone && setAnswer({ id, facts });
    factsFromSensor(subject, data).then(set, (e: Error) => set(e.message));
    return () => {
      gone = true;
    };
  }, [asking, id, question, tick, data, s.unit.value]);
  if (asking) return answer?.id === id ? answer.facts : null;
  return sums.value ? factsFromFile(subject, data, sums.value, s.unit.value) : null;
}
