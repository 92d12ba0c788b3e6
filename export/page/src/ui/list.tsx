// The list beside the map: its text twin. A table for screen readers, of which only
// the rows that can be seen are drawn; arrow keys go through all of them.

import { computed, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { amount, exact } from "../format";
import { nouns, weight, type Item, type Order } from "../items";
import { limit, listing, more } from "../lists";
import { dataset, live, sums } from "../model";
import { map } from "../page";
import * as s from "../state";
import { idOf, placeAt } from "../subject";
import type { Unit } from "../sums";
import { focused, pointed } from "./near";
import "./list.css";

export const titles: Record<s.Tab, string> = { place: "Place", country: "Country", network: "Network", address: "Address", peer: "Peer", port: "Port" };

/** Where the list was when a card took its place. */
const left = { tab: "place" as s.Tab, top: 0, row: 0, focus: false };

export function List() {
  return (
    <>
      <Tabs />
      <Table key={s.tab.value} tab={s.tab.value} />
    </>
  );
}

/** By what the list is. */
export function Tabs() {
  return (
    <div class="tabs" role="tablist" aria-label="List by" onKeyDown={turn}>
      {s.tabs.map((t) => (
        <button key={t} type="button" role="tab" id={`tab-${t}`} aria-selected={s.tab.value === t} aria-controls="list" tabIndex={s.tab.value === t ? 0 : -1} onClick={() => (s.tab.value = t)}>{titles[t]}</button>
      ))}
    </div>
  );
}

/** Rows above and below what is seen that are drawn, too. */
const spare = 6;

/** So many rows are printed. */
const onPaper = 17;

/** Milliseconds that the pointer stays on a place before the list goes to its row: who crosses the map does not want it to jump. */
const dwell = 100;

function Table({ tab }: { tab: s.Tab }) {
  const { items, count, message } = listing.value, unit = s.unit.value, order = s.order.value;
  const box = useRef<HTMLDivElement>(null), [seen, setSeen] = useState({ top: 0, height: 900, row: 46 });
  const [current, setCurrent] = useState(left.tab === tab ? left.row : 0), focus = useRef(left.focus && left.tab === tab);
  const at = useRef(current); // keys may come faster than frames
  const held = useRef<string | undefined>(undefined); // the key of the line that has the focus
  const hold = (e: FocusEvent) => void (held.current = items[Number(/^row-(\d+)$/.exec((e.target as HTMLElement).id)?.[1] ?? -1)]?.key);
  const look = () => {
    const b = box.current;
    if (!b) return; // a scroll may be told when a card has taken the list's place
    left.top = b.scrollTop;
    setSeen({ top: b.scrollTop, height: b.clientHeight, row: parseFloat(getComputedStyle(b).getPropertyValue("--row")) || 46 });
    if (items.length < count && b.scrollTop + b.clientHeight > b.scrollHeight - 1500 && limit.value === grown(items.length)) more();
  };
  useLayoutEffect(() => {
    if (left.tab === tab) box.current!.scrollTop = left.top;
    Object.assign(left, { tab, focus: false });
    look();
    const watch = new ResizeObserver(look);
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (!focus.current) return;
    focus.current = false;
    document.getElementById(`row-${current}`)?.focus({ preventScroll: true });
  });
  useLayoutEffect(() => { // a tick sorts anew: the focus goes with its line
    if (!held.current || !box.current!.contains(document.activeElement)) return;
    const i = items.findIndex((item) => item.key === held.current);
    if (i < 0 || document.activeElement!.id === `row-${i}`) return;
    focus.current = true;
    setCurrent((at.current = i));
  }, [items]);
  const shown = useRef({ items, row: seen.row });
  shown.current = { items, row: seen.row };
  useSignalEffect(() => {
    if (!s.hovered.value) return;
    const id = setTimeout(() => box.current && reveal(box.current, shown.current.items, shown.current.row), dwell);
    return () => clearTimeout(id);
  });

  const go = (to: number) => {
    const i = Math.max(0, Math.min(items.length - 1, to)), b = box.current;
    if (!b) return;
    const y = i * seen.row, head = 30;
    if (y < b.scrollTop) b.scrollTop = y;
    else if (y + seen.row + head > b.scrollTop + b.clientHeight) b.scrollTop = y + seen.row + head - b.clientHeight;
    focus.current = true;
    setCurrent((at.current = i));
    look();
  };
  const keys = (e: KeyboardEvent) => {
    if (!(e.target as HTMLElement).id.startsWith("row-")) return;
    const page = Math.max(1, Math.floor(seen.height / seen.row) - 2);
    const to = { ArrowDown: at.current + 1, ArrowUp: at.current - 1, Home: 0, End: items.length - 1, PageDown: at.current + page, PageUp: at.current - page }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    e.stopPropagation();
    go(to);
  };
  const most = items.reduce((m, i) => Math.max(m, weight(i, order === "in" || order === "out" || order === "name" ? "unit" : order, unit)), 0);
  const first = Math.floor(seen.top / seen.row), from = Math.max(0, first - spare), to = Math.min(items.length, Math.max(first + Math.ceil(seen.height / seen.row) + spare, from + onPaper));
  const rows = [];
  for (let i = from; i < to; i++) rows.push(i);
  if (current < items.length && (current < from || current >= to)) rows.push(current); // what has the focus stays
  return (
    <div class="list" id="list" role="tabpanel" aria-labelledby={`tab-${tab}`} ref={box} onScroll={look} onKeyDown={keys} onFocusIn={hold}>
      {items.length > 0 && (
        <div role="table" aria-label={`Traffic by ${nouns[tab][0]}`} aria-rowcount={count + 1}>
          <Head />
          <div role="rowgroup" class="body" style={{ height: items.length * seen.row + "px" }}>
            {rows.map((i) => <Row key={i} index={i} item={items[i]} tab={tab} most={most} unit={unit} order={order} top={i * seen.row} current={i === current} />)}
          </div>
        </div>
      )}
      {message && <p class="hint">{message}</p>}
      {items.length > 0 && <p class="count">{items.length < count ? `${exact(items.length)} of ` : ""}{exact(count)} {nouns[tab][count === 1 ? 0 : 1]}{items.length < count && live.value && items.length >= 10_000 ? "; for the others narrow the filter" : ""}</p>}
      {items.length === 0 && !message && sums.value && <p class="hint">Nothing here.</p>}
    </div>
  );
}

/** Is the list as long as it was asked to be? Then it may be asked for more. */
const grown = (n: number) => (n >= limit.value ? limit.value : -1);

const columns: [Order, string][] = [["name", "name"], ["packets", "packets"], ["bytes", "bytes"], ["in", "in"], ["out", "out"]];

/** The columns; a click sorts by one. */
function Head() {
  const order = s.order.value === "unit" ? s.unit.value : s.order.value;
  return (
    <div role="rowgroup">
      <div role="row" class="head" aria-rowindex={1}>
        {columns.map(([by, text]) => (
          <span key={by} role="columnheader" class={by === "name" ? "first" : ""} aria-sort={order !== by ? "none" : by === "name" ? "ascending" : "descending"}>
            <button type="button" data-sort={by} title={`Sort by ${text}`} onClick={() => (s.order.value = by === s.unit.value ? "unit" : by)}>
              {(by === "in" || by === "out") && <i class={by} aria-hidden="true" />}{text}{order === by && <span aria-hidden="true"> {by === "name" ? "↑" : "↓"}</span>}
            </button>
          </span>
        ))}
      </div>
    </div>
  );
}

interface RowProps { index: number; item: Item; tab: s.Tab; most: number; unit: Unit; order: Order; top: number; current: boolean }

/** One row: all numbers for who listens, the one that is sorted by for who looks. */
function Row({ index, item, tab, most, unit, order, top, current }: RowProps) {
  const shown = order === "packets" || order === "bytes" ? order : unit, [a, b] = item[shown];
  const near = useMemo(() => computed(() => (item.place && s.hovered.value === item.place ? "row near" : "row")), [item.place]);
  const cells: [Order, string][] = [["packets", exact(item.packets[0] + item.packets[1])], ["bytes", exact(item.bytes[0] + item.bytes[1])], ["in", exact(item[unit][0])], ["out", exact(item[unit][1])]];
  const share = (n: number) => (100 * n) / (most || 1) + "%";
  return (
    <div role="row" class={near} aria-rowindex={index + 2} style={{ top: top + "px" }} {...pointed(item.place)} title={told(item, shown)}>
      <div role="rowheader" class="who">
        <button id={`row-${index}`} type="button" class={item.labels?.length ? "tagged" : ""} tabIndex={current ? 0 : -1} disabled={!openable(tab, item)} onClick={() => open(tab, item, index)} {...focused(item.place)}>
          <span class="text">{item.label}</span><Tags labels={item.labels} />
        </button>
        <span class="note">{item.note}</span>
      </div>
      {cells.map(([by, text]) => <span key={by} role="cell" class="unseen">{text}</span>)}
      <span class="value" aria-hidden="true">{amount(order === "in" ? a : order === "out" ? b : a + b, shown)}</span>
      <span class="split" aria-hidden="true"><i class="in" style={{ width: share(a) }} /><i class="out" style={{ width: share(b) }} /></span>
    </div>
  );
}

const told = (i: Item, unit: Unit) => `${i.label}${i.labels?.length ? ` (${i.labels.join(", ")})` : ""}: ${exact(i[unit][0] + i[unit][1])} ${unit}, ${exact(i[unit][0])} in, ${exact(i[unit][1])} out`;

export function Tags({ labels }: { labels?: string[] }) {
  return <>{labels?.map((l) => <span key={l} class="tag">{l}</span>)}</>;
}

/** A line of a card's list. */
export function Line({ item, most, unit, tab }: { item: Item; most: number; unit: Unit; tab: s.Tab }) {
  const [a, b] = item[unit];
  return (
    <li>
      <button type="button" class="line" disabled={!openable(tab, item)} onClick={() => open(tab, item)} {...pointed(item.place)} {...focused(item.place)} title={told(item, unit)}>
        <span class="name"><span class="text">{item.label}</span><Tags labels={item.labels} /></span>
        <span class="note">{item.note}</span>
        <span class="value">{amount(a + b, unit)}</span>
        <span class="split" aria-hidden="true"><i class="in" style={{ width: (100 * a) / (most || 1) + "%" }} /><i class="out" style={{ width: (100 * b) / (most || 1) + "%" }} /></span>
      </button>
    </li>
  );
}

/** As much of a line as a card needs. */
type Subject = Pick<Item, "key" | "note" | "place">;

/** Traffic without a place, network or port has no card: there is nothing to ask for. */
export function openable(tab: s.Tab, i: Subject): boolean {
  if (tab === "place") return i.place !== undefined;
  return tab === "port" ? !/\/0?$/.test(i.key) || i.note !== "no port" : i.key !== "" && i.key !== "0";
}

/** Opens the card of a line's subject. */
export function open(tab: s.Tab, item: Subject, row = -1): void {
  if (row >= 0) Object.assign(left, { row, focus: true });
  s.selected.value = idOf({ tab, key: item.key });
  s.hovered.value = null;
  if (item.place) show(item.place);
}

/** Moves the map where it does not show a place. */
function show(key: string): void {
  const view = map.value, spot = key.split("|")[0].split(",").map(Number);
  const at = view && spot.length === 2 ? view.pixel(placeAt(dataset.value!, key)) : null;
  if (!view || !at) return;
  if (at[0] > 30 && at[1] > 30 && at[0] < view.width - 30 && at[1] < view.height - 30) return;
  view.panBy(view.width / 2 - at[0], view.height / 2 - at[1]);
}

/** Brings the row of what the pointer is over on the map into view. */
function reveal(box: HTMLElement, items: readonly Item[], row: number): void {
  const key = s.hovered.value;
  if (!key || !document.querySelector("canvas.map:hover")) return;
  const i = items.findIndex((item) => item.place === key), y = i * row;
  if (i >= 0 && (y < box.scrollTop || y + row + 30 > box.scrollTop + box.clientHeight)) box.scrollTo({ top: Math.max(0, y - box.clientHeight / 2) });
}

/** Arrow keys go through the tabs, as in any tab list. */
function turn(e: KeyboardEvent): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
  if (!step) return;
  e.preventDefault();
  e.stopPropagation();
  const at = (s.tabs.indexOf(s.tab.value) + step + s.tabs.length) % s.tabs.length;
  s.tab.value = s.tabs[at];
  document.getElementById(`tab-${s.tabs[at]}`)?.focus();
}
