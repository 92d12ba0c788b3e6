// The hash of the address is the state: a link reproduces what is seen, in the
// saved file and live. Only what differs from the default is written.

import { batch, effect } from "@preact/signals";
import * as s from "./state";

export interface State {
  protocol: number; direction: s.Direction; unit: "packets" | "bytes"; brush: [number, number] | null; filter: string;
  tab: s.Tab; selected: string | null; theme: s.ThemeChoice; zone: "local" | "utc"; view: s.View | null; last: string;
  clouds: boolean;
}

export const defaults: State = {
  protocol: 0b1111, direction: "both", unit: "packets", brush: null, filter: "",
  tab: "place", selected: null, theme: "auto", zone: "local", view: null, last: "1h", clouds: true,
};

export function write(v: State): string {
  const q = new URLSearchParams();
  if (v.last !== defaults.last) q.set("last", v.last);
  if (v.brush) q.set("t", v.brush.map((t) => new Date(t).toISOString().replace(".000Z", "Z")).join("/"));
  if (v.filter) q.set("filter", v.filter);
  if (v.protocol !== defaults.protocol) q.set("proto", s.protocols.filter((_, i) => (v.protocol >> i) & 1).join(",") || "none");
  if (v.direction !== "both") q.set("dir", v.direction);
  if (v.unit !== "packets") q.set("unit", v.unit);
  if (!v.clouds) q.set("clouds", "hidden");
  if (v.tab !== "place") q.set("tab", v.tab);
  if (v.selected) q.set("place", v.selected);
  if (v.view) q.set("view", `${v.view.lat.toFixed(3)},${v.view.lon.toFixed(3)},${+v.view.zoom.toPrecision(4)}`);
  if (v.theme !== "auto") q.set("theme", v.theme);
  if (v.zone !== "local") q.set("tz", v.zone);
  return q.toString().replaceAll("%2C", ",").replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%7C", "|");
}

/** Reads a hash; anything it does not understand is the default. */
export function read(hash: string): State {
  const q = new URLSearchParams(hash.replace(/^#/, ""));
  const v: State = { ...defaults };
  const one = <T extends string>(name: string, allowed: readonly T[], or: T): T =>
    allowed.includes(q.get(name) as T) ? (q.get(name) as T) : or;
  if (/^(\d{1,6}[smhdwy]|all)$/.test(q.get("last") ?? "")) v.last = q.get("last")!;
  const times = (q.get("t") ?? "").split("/").map(Date.parse);
  if (times.length === 2 && times[0] < times[1]) v.brush = [times[0], times[1]];
  v.filter = q.get("filter") ?? "";
  const proto = q.get("proto");
  if (proto) v.protocol = s.protocols.reduce((bits, name, i) => (proto.split(",").includes(name) ? bits | (1 << i) : bits), 0);
  v.direction = one("dir", ["in", "out"], "both" as s.Direction);
  v.unit = one("unit", ["bytes"], "packets" as State["unit"]);
  v.tab = one("tab", s.tabs, "place");
  v.selected = q.get("place");
  const view = (q.get("view") ?? "").split(",").map(Number);
  if (view.length === 3 && view.every(Number.isFinite) && view[2] > 0) v.view = { lat: view[0], lon: view[1], zoom: view[2] };
  v.theme = one("theme", ["dark", "light"], "auto" as s.ThemeChoice);
  v.clouds = q.get("clouds") !== "hidden";
  v.zone = one("tz", ["utc"], "local" as State["zone"]);
  return v;
}

function current(): State {
  return {
    protocol: s.protocol.value, direction: s.direction.value, unit: s.unit.value, brush: s.brush.value, filter: s.filter.value,
    tab: s.tab.value, selected: s.selected.value, theme: s.theme.value, zone: s.zone.value, view: s.view.value, last: s.last.value, clouds: s.clouds.value,
  };
}

function apply(v: State): void {
  batch(() => {
    s.protocol.value = v.protocol;
    s.direction.value = v.direction;
    s.unit.value = v.unit;
    if (String(s.brush.peek()) !== String(v.brush)) s.brush.value = v.brush;
    s.filter.value = v.filter;
    s.tab.value = v.tab;
    s.selected.value = v.selected;
    s.theme.value = v.theme;
    s.zone.value = v.zone;
    if (JSON.stringify(s.view.peek()) !== JSON.stringify(v.view)) s.view.value = v.view;
    s.last.value = v.last;
    s.clouds.value = v.clouds;
  });
}

/** Ties signals and hash together, both ways. */
export function bind(): void {
  apply(read(location.hash));
  let timer = 0;
  effect(() => {
    const hash = write(current());
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
    }, 150) as unknown as number;
  });
  addEventListener("hashchange", () => apply(read(location.hash)));
}
