// The list of what changed: before, now, and by how much. It takes the place of the
// list while two stretches of time are compared, and is what the map says in text.

import { useEffect, useState } from "preact/hooks";
import type { Change } from "../compare";
import { inWords } from "../compare";
import { amount, exact, span } from "../format";
import { live } from "../model";
import * as s from "../state";
import { changes, command, comparison } from "../versus";
import { open, openable, Tabs, Tags, titles } from "./list";
import { Stretch } from "./windows";
import { focused, pointed } from "./near";
import "./changes.css";

/** Lines drawn at once; more come as one scrolls. */
const screenful = 60;

export function ChangeList() {
  const { items, message } = changes.value, c = comparison.value, unit = s.unit.value;
  const [lines, setLines] = useState(screenful), tab = s.tab.value;
  useEffect(() => setLines(screenful), [tab, s.compare.value]);
  const more = (e: Event) => {
    const box = e.currentTarget as HTMLElement;
    if (lines < items.length && box.scrollTop + box.clientHeight > box.scrollHeight - 600) setLines(lines + screenful);
  };
  return (
    <>
      <Tabs />
      <div class="list changes" id="list" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={items.length > 0 ? undefined : 0} onScroll={more}>
        <Head />
        {message && <p class="hint">{message}</p>}
        {message && !live.value && command.value && <p class="hint"><code class="long">{command.value}</code></p>}
        {items.length > 0 && c && typeof c !== "string" && (
          <table>
            <thead><tr><th scope="col">{titles[tab]}</th><th scope="col">before</th><th scope="col">now</th><th scope="col">change</th></tr></thead>
            <tbody>{items.slice(0, lines).map((i) => <Row key={i.key} item={i} unit={unit} scale={c.scale} />)}</tbody>
          </table>
        )}
        {items.length === 0 && !message && <p class="hint">Nothing in either.</p>}
      </div>
    </>
  );
}

/** What is compared, and what to know of it. */
function Head() {
  const c = comparison.value, zone = s.zone.value;
  if (!c || typeof c === "string") return null;
  return (
    <div class="changes-head">
      <p><b>Now</b> {span(...c.now, zone)}</p>
      <p><b>Before</b> {span(...c.before, zone)}</p>
      {c.caveats.map((text) => <p key={text} class="caveat">{text}</p>)}
    </div>
  );
}

function Row({ item, unit, scale }: { item: Change; unit: "packets" | "bytes"; scale: number }) {
  const words = inWords(item, scale), by = Math.round(item.by), tab = s.tab.value;
  return (
    <tr class={item.place && s.hovered.value === item.place ? "near" : ""} {...pointed(item.place)} data-state={item.state}>
      <th scope="row" title={item.label}>
        <button type="button" class="name" disabled={!openable(tab, item)} onClick={() => open(tab, item)} {...focused(item.place)}>
          <span class="text">{item.label}</span><Tags labels={item.labels} />
        </button>
        {item.note && <span class="note">{item.note}</span>}
      </th>
      <td title={exact(item.before)}>{amount(item.before, unit)}</td>
      <td title={exact(item.now)}>{amount(item.now, unit)}</td>
      <td class={by > 0 ? "more" : by < 0 ? "less" : ""} title={exact(by)}><b>{by > 0 ? "+" : ""}{amount(by, unit)}</b><span class="note">{words}</span></td>
    </tr>
  );
}

/** What to compare with. */
export function CompareWith() {
  const [typing, setTyping] = useState(false), v = s.compare.value, own = v.includes("/");
  const choose = (value: string) => (value === "other" ? setTyping(true) : ((s.compare.value = value), setTyping(false)));
  const times = own ? (v.split("/").map(Date.parse) as [number, number]) : null;
  return (
    <div class="windows compare">
      <select class="chip" aria-label="Compare with" data-compare value={own ? v : v || ""} onChange={(e) => choose(e.currentTarget.value)}>
        <option value="">{v ? "do not compare" : "Compare …"}</option>
        <option value="before">with the time before</option>
        <option value="yesterday">with the day before</option>
        <option value="last-week">with the week before</option>
        {own && times && <option value={v}>with {span(...times, s.zone.value)}</option>}
        <option value="other">with another time …</option>
      </select>
      {typing && <Stretch title="Compare with" now={times} done={() => setTyping(false)} take={(w) => (s.compare.value = w.map((t) => new Date(t).toISOString().replace(".000Z", "Z")).join("/"))} />}
    </div>
  );
}
