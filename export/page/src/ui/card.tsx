// A place's card takes the list's place; Escape returns.

import { useEffect, useRef, useState } from "preact/hooks";
import { coordinates, placeKey, placeName, type Dataset } from "../dataset";
import { bytes, count, countryName, exact, share } from "../format";
import { cardFromFile, cardFromSensor, sensorFilter, type CardLists } from "../lists";
import { keys, live, revision, sums } from "../model";
import * as s from "../state";
import { Line, toggled } from "./list";

const precision = ["", "city", "region", "country only"];

export function Card({ data, place }: { data: Dataset; place: number }) {
  const p = data.places, v = sums.value!, unit = s.unit.value;
  const lists = useLists(data, place), back = useRef<HTMLButtonElement>(null);
  useEffect(() => back.current?.focus({ preventScroll: true }), [place]);
  const name = placeName(p, place, countryName), country = countryName(p.country[place]);
  const where = [p.region[place] !== name && p.region[place], country !== name && country].filter(Boolean).join(", ");
  const packets = v.packets[0][place] + v.packets[1][place], all = v.bytes[0][place] + v.bytes[1][place];
  const sure = [precision[p.precision[place]], p.accuracy[place] > 0 && `within ${p.accuracy[place]} km`].filter(Boolean).join(", ");
  const term = p.located[place] ? `place:${coordinates(p, place)}` : `country:${p.country[place]}`;
  const on = s.filter.value.split(/\s+/).includes(term);
  return (
    <section class="card" aria-label={name}>
      <div class="card-head">
        <div>
          <h2>{name}</h2>
          {where && <p>{where}</p>}
        </div>
        <button type="button" class="chip icon" ref={back} onClick={() => (s.selected.value = null)} aria-label="Back to the list" title="Back to the list (Esc)">✕</button>
      </div>
      <dl class="numbers">
        <div><dt>packets</dt><dd title={exact(packets)}>{count(packets)}</dd></div>
        <div><dt>bytes</dt><dd title={exact(all)}>{bytes(all)}</dd></div>
        <div><dt>of all shown</dt><dd>{share(packets, v.totalPackets)}</dd></div>
      </dl>
      <Split label="packets" a={v.packets[0][place]} b={v.packets[1][place]} text={count} />
      <Split label="bytes" a={v.bytes[0][place]} b={v.bytes[1][place]} text={bytes} />
      <p class="facts">
        {v.opens[place] > 0 && <span title="TCP connections asked for (SYN)">{count(v.opens[place])} connections opened</span>}
        {sure && <span title="How precise the place is">{sure}</span>}
        {p.located[place] ? <span>{coordinates(p, place).replace(",", ", ")}</span> : null}
      </p>
      <button type="button" class="chip" aria-pressed={on} onClick={() => (s.filter.value = toggled(s.filter.value, term))}>{on ? "Show everything again" : "Filter to this place"}</button>
      {typeof lists === "string" ? <p class="hint">{lists}</p> : lists && (
        <>
          <Part title="Networks" tab="network" items={lists.networks} unit={unit} />
          <Part title="Addresses" tab="address" items={lists.addresses} unit={unit} />
          <Part title="Peers on our side" tab="peer" items={lists.peers} unit={unit} />
          <Part title="Ports" tab="port" items={lists.ports} unit={unit} />
        </>
      )}
    </section>
  );
}

/** In and out as one bar, with numbers. */
function Split({ label, a, b, text }: { label: string; a: number; b: number; text: (n: number) => string }) {
  const all = a + b || 1;
  return (
    <div class="inout" role="img" aria-label={`${label}: in ${text(a)}, out ${text(b)}`}>
      <span>in {text(a)}</span>
      <span class="bar2"><i class="in" style={{ width: (100 * a) / all + "%" }} /><i class="out" style={{ width: (100 * b) / all + "%" }} /></span>
      <span>out {text(b)}</span>
    </div>
  );
}

function Part({ title, tab, items, unit }: { title: string; tab: s.Tab; items: CardLists["ports"]; unit: "packets" | "bytes" }) {
  if (items.length === 0) return null;
  const most = items.reduce((m, i) => Math.max(m, i.in + i.out), 0);
  return (
    <>
      <h3>{title}</h3>
      <ol>{items.map((i) => <Line key={i.key} item={i} most={most} unit={unit} tab={tab} />)}</ol>
    </>
  );
}

/** The card's lists: from the file at once, from the sensor when it answers. */
function useLists(data: Dataset, place: number): CardLists | string | null {
  const [answer, setAnswer] = useState<CardLists | string | null>(null);
  const asking = live.value, question = asking ? sensorFilter() + String(s.brush.value) + s.unit.value : "", tick = revision.value;
  useEffect(() => {
    if (!asking) return;
    let gone = false;
    cardFromSensor(data, place).then((l) => !gone && setAnswer(l), (e: Error) => !gone && setAnswer(e.message));
    return () => {
      gone = true;
    };
  }, [asking, placeKey(data.places, place), question, tick]);
  if (asking) return answer;
  if (data.details.n === 0) return "This file carries places only. For addresses ask the sensor, or export with --detail addresses.";
  return cardFromFile(data, place, keys.value, s.unit.value);
}

