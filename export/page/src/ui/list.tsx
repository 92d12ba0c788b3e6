// The list beside the map: its text twin.

import { useEffect, useState } from "preact/hooks";
import { amount, exact } from "../format";
import { hoveredPlace, sums } from "../model";
import { listing } from "../lists";
import { map } from "../page";
import * as s from "../state";
import type { Item, Unit } from "../sums";

const titles: Record<s.Tab, string> = { place: "Place", country: "Country", network: "Network", address: "Address", peer: "Peer", port: "Port" };

/** Lines drawn at once; more come as one scrolls. */
const screenful = 40;

export function List() {
  const { items, message } = listing.value, unit = s.unit.value;
  const most = items.reduce((m, i) => Math.max(m, i.in + i.out), 0);
  const [lines, setLines] = useState(screenful);
  useEffect(() => setLines(screenful), [s.tab.value]);
  const more = (e: Event) => {
    const box = e.currentTarget as HTMLElement;
    if (lines < items.length && box.scrollTop + box.clientHeight > box.scrollHeight - 600) setLines(lines + screenful);
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label="List by" onKeyDown={turn}>
        {s.tabs.map((t) => (
          <button key={t} type="button" role="tab" id={`tab-${t}`} aria-selected={s.tab.value === t} aria-controls="list" tabIndex={s.tab.value === t ? 0 : -1} onClick={() => (s.tab.value = t)}>{titles[t]}</button>
        ))}
      </div>
      <div class="list" id="list" role="tabpanel" aria-labelledby={`tab-${s.tab.value}`} onScroll={more}>
        {message && <p class="hint">{message}</p>}
        {items.length > 0 && <Key />}
        <ol>
          {items.slice(0, lines).map((i) => <Line key={i.key} item={i} most={most} unit={unit} />)}
        </ol>
        {items.length === 0 && !message && sums.value && <p class="hint">Nothing here.</p>}
      </div>
    </>
  );
}

export function Key() {
  return <p class="key" aria-hidden="true"><i class="in" />in <i class="out" />out</p>;
}

/** Arrow keys go through the tabs, as in any tab list. */
function turn(e: KeyboardEvent): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
  if (!step) return;
  e.preventDefault();
  const at = (s.tabs.indexOf(s.tab.value) + step + s.tabs.length) % s.tabs.length;
  s.tab.value = s.tabs[at];
  document.getElementById(`tab-${s.tabs[at]}`)?.focus();
}

interface LineProps { item: Item; most: number; unit: Unit; quiet?: boolean; tab?: s.Tab }

/** One row: name, amount, and a bar split into in and out. */
export function Line({ item, most, unit, tab }: LineProps) {
  const by = tab ?? s.tab.value, all = item.in + item.out;
  const place = by === "place" ? item.key : null;
  const near = place !== null && hoveredPlace.value >= 0 && s.hovered.value === place;
  const action = actionOf(by, item);
  return (
    <li class={near ? "near" : ""}>
      <button
        type="button" class="line" disabled={!action} onClick={() => action?.()}
        onMouseEnter={() => place && (s.hovered.value = place)} onMouseLeave={() => place && (s.hovered.value = null)}
        onFocus={() => place && (s.hovered.value = place)} onBlur={() => place && (s.hovered.value = null)}
        title={`${item.label}${item.labels?.length ? ` (${item.labels.join(", ")})` : ""}: ${exact(all)} ${unit}, ${exact(item.in)} in, ${exact(item.out)} out`}
      >
        <span class="name"><span class="text">{item.label}</span>{item.labels?.map((l) => <span key={l} class="tag">{l}</span>)}</span>
        <span class="note">{item.note}</span>
        <span class="value">{amount(all, unit)}</span>
        <span class="split" aria-hidden="true">
          <i class="in" style={{ width: (100 * item.in) / (most || 1) + "%" }} />
          <i class="out" style={{ width: (100 * item.out) / (most || 1) + "%" }} />
        </span>
      </button>
    </li>
  );
}

/** A place opens its card; anything else becomes a term of the filter, or stops being one. */
function actionOf(by: s.Tab, item: Item): (() => void) | null {
  if (by === "place") {
    if (item.place === undefined) return null;
    return () => {
      s.selected.value = item.key;
      s.hovered.value = null;
      show(item.place!);
    };
  }
  const term = termOf(by, item);
  return term ? () => (s.filter.value = toggled(s.filter.value, term)) : null;
}

function show(place: number): void {
  const view = map.value, at = view?.pixel(place);
  if (!view || !at) return;
  if (at[0] > 30 && at[1] > 30 && at[0] < view.width - 30 && at[1] < view.height - 30) return;
  view.panBy(view.width / 2 - at[0], view.height / 2 - at[1]);
}

export function termOf(by: s.Tab, item: Item): string | null {
  switch (by) {
    case "country": return item.key ? `country:${item.key}` : null;
    case "network": return /^(AS)?[1-9]\d*$/i.test(item.key) ? `asn:${item.key.replace(/^as/i, "")}` : null;
    case "address": return `ip:${item.key}`;
    case "peer": return `peer:${item.key}`;
    case "port": {
      const number = /(\d+)$/.exec(item.key)?.[1];
      return number && number !== "0" ? `port:${number}` : null;
    }
    default: return null;
  }
}

/** Adds a term to a filter, or takes it out. */
export function toggled(filter: string, term: string): string {
  const words = filter.split(/\s+/).filter(Boolean);
  return (words.includes(term) ? words.filter((w) => w !== term) : [...words, term]).join(" ");
}

