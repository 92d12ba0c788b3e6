// The bell, and the sheet of what it rang for.

import { useEffect, useRef, useState } from "preact/hooks";
import { alerts, fresh, inOrder, lookedUpTo, lasts, linkOf, look, loses, type Alert } from "../alerts";
import { clock, date, exact, span, zoneName } from "../format";
import { dataset, live } from "../model";
import { alerting } from "../page";
import { zone } from "../state";
import { Dialog } from "./dialog";
import "./alerts.css";

/** Rings only where somebody watches: not in a file, not where answers are masked. */
export function Bell() {
  const list = alerts.value, n = fresh.value, bad = list?.alerts.some(loses);
  if (!live.value || !list || list.masked) return null;
  const said = [n > 0 && `${exact(n)} new`, bad && "data is being lost"].filter(Boolean).join(", ");
  return (
    <>
      <button type="button" class={bad ? "chip icon bell bad" : n > 0 ? "chip icon bell rings" : "chip icon bell"} data-alerts aria-haspopup="dialog" aria-label={`Alerts${said ? `: ${said}` : ""}`} title={`Alerts${said ? `: ${said}` : ""} (e)`} onClick={() => (alerting.value = true)}>
        <svg width="14" height="16" viewBox="0 0 14 16" aria-hidden="true"><path d="M7 1.2a4.3 4.3 0 0 1 4.3 4.3c0 3.6 1.5 4.6 1.9 6H.8c.4-1.4 1.9-2.4 1.9-6A4.3 4.3 0 0 1 7 1.2ZM5.4 13.5a1.7 1.7 0 0 0 3.2 0" /></svg>
        {n > 0 && <b aria-hidden="true">{n > 99 ? "99+" : n}</b>}
      </button>
      <News list={list.alerts} />
    </>
  );
}

/** Says aloud what comes while the page is open. */
function News({ list }: { list: Alert[] }) {
  const [text, setText] = useState(""), known = useRef(list[0]);
  useEffect(() => {
    const newest = list[0];
    if (newest && (newest.id !== known.current?.id || newest.sensor !== known.current.sensor)) setText(`Alert: ${newest.text}`);
    known.current = newest;
  }, [list]);
  return <span class="unseen" role="status">{text}</span>;
}

/** Lines drawn; nobody reads on. */
const most = 200;

export function AlertSheet() {
  const all = alerts.value?.alerts, list = inOrder(all ?? []), [since] = useState(lookedUpTo); // what was new when the sheet opened stays marked
  useEffect(look, [all]);
  const several = (dataset.value?.meta.sensor ?? "").includes(", "), until = alerts.value?.learning_until, learning = until && Date.parse(until) > Date.now();
  return (
    <Dialog title="Alerts" kind="alerts" close={() => (alerting.value = false)}>
      {learning && <p class="quiet">Until {date(Date.parse(until), zone.value)} {clock(Date.parse(until), zone.value)} {zoneName(Date.parse(until), zone.value)} the sensor learns what is usual: first contacts are not told before.</p>}
      {alerts.value?.webhook_error && <p class="loss">The webhook does not take alerts: {alerts.value.webhook_error}</p>}
      {list.length === 0 && <p>Nothing has deserved a look so far.</p>}
      {list.length > 0 && <ol>{list.slice(0, most).map((a) => <Line key={`${a.sensor} ${a.id}`} alert={a} several={several} isNew={Date.parse(a.time) > since} />)}</ol>}
      {list.length > most && <p class="quiet">The {most} latest of {exact(list.length)}; all of them: /api/v1/alerts</p>}
    </Dialog>
  );
}

/** One alert: a link to its time and traffic. */
function Line({ alert: a, several, isNew }: { alert: Alert; several: boolean; isNew: boolean }) {
  const at = Date.parse(a.time), z = zone.value;
  const when = a.ended ? span(at, Date.parse(a.ended), z) : `${lasts(a) ? "since " : ""}${date(at, z)} ${clock(at, z, true)} ${zoneName(at, z)}`;
  return (
    <li class={isNew ? "new" : ""} data-kind={a.kind}>
      <a href={linkOf(a, several)} onClick={() => (alerting.value = false)} title="Show its time and traffic on the map">
        <span class={loses(a) ? "loss" : ""}>{a.text}</span>
        <span class="quiet">{when}{several && ` · ${a.sensor}`}{isNew && <span class="unseen">, new</span>}</span>
      </a>
    </li>
  );
}
