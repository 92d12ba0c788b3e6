// Alerts: what the sensor has said once, because it deserves a look. The dashboard
// alone has them: they name addresses, and go on after a file was saved.

import { computed, effect, signal } from "@preact/signals";
import { json } from "./api";
import { status } from "./live";
import * as model from "./model";
import { quote } from "./query/language";
import { current, write } from "./url";

/** As the sensor says it; only what the page shows is named. */
export interface Alert {
  id: number; time: string; ended?: string; kind: string; text: string; sensor: string;
  ip?: string; country?: string; latitude?: number; longitude?: number; asn?: number;
}
export interface Alerts { alerts: Alert[]; learning_until?: string; webhook_error?: string; masked?: boolean }

/** The sensor's last answer; null before the first. */
export const alerts = signal<Alerts | null>(null);

/** Up to when alerts have been looked at, ms: what the browser remembers. */
const looked = signal(0);
const store = "packetheat.alerts";
export const lookedUpTo = () => looked.peek();

/** Alerts that nobody has looked at in this browser. */
export const fresh = computed(() => alerts.value?.alerts.filter((a) => Date.parse(a.time) > looked.value).length ?? 0);

const losses = new Set(["drops", "gap", "disk"]), troubles = new Set([...losses, "database", "clock"]);

/** Is it about the sensor itself? It lasts until it is over, then. */
export const trouble = (a: Alert) => troubles.has(a.kind);

/** Is it trouble that is not over? */
export const lasts = (a: Alert) => trouble(a) && !a.ended;

/** And does it cost data? */
export const loses = (a: Alert) => losses.has(a.kind) && !a.ended;

/** What lasts goes first, whenever it began. */
export function inOrder(list: readonly Alert[]): Alert[] {
  return [...list.filter(lasts), ...list.filter((a) => !lasts(a))];
}

/** All that is listed has been looked at. */
export function look(): void {
  looked.value = (alerts.peek()?.alerts ?? []).reduce((last, a) => Math.max(last, Date.parse(a.time)), looked.peek());
  try {
    localStorage.setItem(store, String(looked.peek()));
  } catch {
    // A browser that remembers nothing: they are new again next time.
  }
}

/** Minutes before and after an alert that its link shows. */
const around = 10 * 60_000;

/** The window to see an alert in: what came before it, and as much of what came after as there is. */
export function windowOf(a: Alert, now: number): [number, number] {
  const from = Date.parse(a.time), end = a.ended ? Date.parse(a.ended) : trouble(a) ? now : from;
  return [from - around, Math.max(from + 60_000, Math.min(now, end + around))];
}

/** The term that finds what an alert is about; "" where it is about all traffic. */
export function termOf(a: Alert): string {
  switch (a.kind) {
    case "label": return a.ip ? `ip:${quote(a.ip.replace(/\/(32|128)$/, ""))}` : "";
    case "new_as": return a.asn ? `asn:${a.asn}` : "";
    case "new_country": return a.country ? `country:${a.country}` : "";
    case "new_place": return a.latitude !== undefined && a.longitude !== undefined ? `place:${a.latitude.toFixed(4)},${a.longitude.toFixed(4)}` : "";
  }
  return "";
}

/** A link to the time and the traffic of an alert; how the page looks stays as it is. */
export function linkOf(a: Alert, several: boolean, now = Date.now()): string {
  const sensor = several && a.sensor ? `sensor:${quote(a.sensor)}` : "";
  return "#" + write({
    ...current(), window: windowOf(a, now), filter: [termOf(a), sensor].filter(Boolean).join(" "),
    t: null, at: null, compare: "", place: null, view: null, proto: 0b1111, dir: "both", clouds: true,
  });
}

/** Asked again after so long while ticks come, and at once when the sensor counts others. */
const every = 10_000;

/** Keeps the list fresh, beside the map: never before its first data. */
export function follow(): void {
  try {
    looked.value = Number(localStorage.getItem(store)) || 0;
  } catch {
    // It stays at none.
  }
  let asked = 0, counted: string | undefined, busy = false;
  effect(() => {
    model.revision.value;
    const count = status.value.alerts;
    if (!model.dataset.value || busy || (Date.now() - asked < every && count === counted)) return;
    busy = true;
    counted = count;
    asked = Date.now();
    json<Alerts>("alerts", {}).then((a) => (alerts.value = a), () => {}).finally(() => (busy = false));
  });
}
