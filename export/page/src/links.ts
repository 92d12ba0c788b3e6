// Links to what is seen, and to files of it.

import { address } from "./api";
import { asked, windowQuery } from "./live";
import { sensorFilter } from "./lists";
import * as model from "./model";
import * as s from "./state";
import { current, defaults, write, type State } from "./url";

const here = () => location.href.split("#")[0];

function to(v: State): string {
  const hash = write(v);
  return here() + (hash && "#" + hash);
}

/** As it is: a window such as the last hour stays one. */
export function moving(): string {
  return to(current());
}

/** The same, nailed to the time that is seen now; in UTC, as all links are. */
export function nailed(): string {
  const d = model.dataset.value;
  return to(d && model.live.value ? { ...current(), window: [d.from, d.to] } : current());
}

/** Does the view move on with time? Else both links are the same. */
export function moves(): boolean {
  return model.live.value && !s.fixed.value;
}

const iso = (t: number) => new Date(t).toISOString();

export interface PageOptions { detail: "places" | "addresses" | "full"; mask: "" | "networks" | "gone"; title: string; note: string }

/** The state that a saved page opens with: what the file is of by itself is not said again. */
export function carried(): string {
  return write({ ...current(), last: defaults.last, window: null, filter: "", clouds: true });
}

/** A page of the window, with its filter; switches and brush open as they are, and can be turned there. */
export function pageAddress(o: PageOptions): string {
  const d = model.dataset.value, filter = asked(), state = carried();
  const window: Record<string, string> = d ? { from: iso(d.from), to: iso(d.to) } : windowQuery();
  const detail: Record<string, string> = o.mask ? { mask: o.mask } : { detail: o.detail, ...(state && { state }) };
  return address("export.html", { ...window, ...(filter && { filter }), ...detail, ...(o.title && { title: o.title }), ...(o.note && { note: o.note }) });
}

/** Rows of just what is seen: switches and brush too. */
export function rowsAddress(format: "csv" | "geojson" | "ndjson"): string {
  const d = model.dataset.value, filter = sensorFilter(), [from, end] = model.selectedTime.value;
  const window: Record<string, string> = d ? { from: iso(from), to: iso(end) } : windowQuery();
  return address("export." + format, { ...window, ...(filter && { filter }) });
}

/** The command that asks the sensor for rows of this file's window, points and all. */
export function rowsCommand(format: string): string {
  const m = model.dataset.value?.meta, quote = (t: string) => `'${t.replaceAll("'", `'\\''`)}'`;
  const filter = [m?.filter, s.filter.value].filter(Boolean).join(" ");
  return ["packetheat export", format, m && `--from ${m.from} --to ${m.to}`, filter && `--filter ${quote(filter)}`, `-o FILE.${format}`].filter(Boolean).join(" ");
}
