// What one takes away from a card: its rows, a filter for tcpdump, a look elsewhere.

import { useState } from "preact/hooks";
import { address, refusal } from "../api";
import { copyText } from "../clipboard";
import { addressesOf, captureFilter, csv, csvRows, linkTo, mostHosts, mostLines } from "../copy";
import type { Dataset } from "../dataset";
import { exact } from "../format";
import { ask, shownQuery } from "../lists";
import { bins, keys, live, question, selectedTime } from "../model";
import { termOf, type Subject } from "../subject";

export function Actions({ subject, data }: { subject: Subject; data: Dataset }) {
  const [said, say] = useState(""), [busy, setBusy] = useState(false);
  const [from, to] = selectedTime.value;
  const run = (act: () => Promise<string>) => async () => {
    setBusy(true);
    say(await act().catch((e: Error) => e.message));
    setBusy(false);
  };
  const links = (data.meta.links ?? []).flatMap((l) => {
    const url = linkTo(l, subject, from, to);
    return url ? [{ name: l.name, url }] : [];
  });
  const byAddress = !["address", "peer", "port"].includes(subject.tab);
  const known = live.value || !byAddress || data.details.n > 0;
  return (
    <>
      <div class="actions" role="group" aria-label="Take away">
        <button type="button" class="chip" data-act="csv" disabled={busy} onClick={run(() => copyRows(subject, data))} title="Its rows, in the columns of the CSV file">Copy as CSV</button>
        <button type="button" class="chip" data-act="tcpdump" disabled={busy || !known} onClick={run(() => copyCapture(subject, data))} title={known ? "For tcpdump, and Wireshark's capture filters" : "This file carries no addresses: ask the sensor"}>Copy tcpdump filter</button>
        {links.map((l) => <a key={l.url} class="chip" href={l.url} target="_blank" rel="noopener noreferrer" referrerpolicy="no-referrer">{l.name}</a>)}
      </div>
      <p class="copied" role="status">{said}</p>
    </>
  );
}

const done = async (text: string, what: string) => ((await copyText(text)) ? `Copied ${what}.` : "The browser does not let this page copy.");

async function copyRows(s: Subject, d: Dataset): Promise<string> {
  if (live.value) return copyPoints(s, d);
  const rows = csvRows(s, d, keys.value, ...bins.value);
  const less = question.value.details ? ", whatever the filter" : "";
  return done(csv(rows), `${exact(rows.length)} rows${rows.length === mostLines ? ", as many as fit" : less}`);
}

/** The sensor's own rows, as far as a clipboard goes. */
async function copyPoints(s: Subject, d: Dataset): Promise<string> {
  const stop = new AbortController();
  const r = await fetch(address("points.csv", shownQuery(termOf(s, d))), { signal: stop.signal });
  if (!r.ok) throw await refusal(r);
  const reader = r.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "", lines = -1;
  for (;;) {
    const { value, done: end } = await reader.read();
    if (end) break;
    text += value;
    for (const c of value) if (c === "\n") lines++;
    if (lines > mostLines) {
      stop.abort();
      throw new Error(`There are more than ${exact(mostLines)} rows: download them as CSV instead.`);
    }
  }
  return done(text, `${exact(lines)} rows`);
}

async function copyCapture(s: Subject, d: Dataset): Promise<string> {
  const all = live.value && !["address", "peer", "port"].includes(s.tab);
  const { items, count } = all ? await ask("ip", mostHosts, "packets", termOf(s, d)) : { items: [], count: 0 };
  const addresses = all ? items.map((i) => i.key) : addressesOf(s, d, keys.value), n = all ? count : addresses.length;
  const text = captureFilter(s, addresses);
  if (!text) return "No address of it is known here: ask the sensor.";
  return done(text, n > mostHosts ? `a filter of the ${mostHosts} biggest of ${exact(n)} addresses` : text.length < 60 ? text : `a filter of ${n} addresses`);
}
