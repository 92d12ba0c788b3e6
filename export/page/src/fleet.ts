// The fleet: sensors that ship to one database, as the page's server knows them.

import { quote } from "./query/language";
import { current, write } from "./url";

/** A sensor as the API says it; only what the page shows is named. */
export interface Sensor {
  sensor: string; origin: string; state: string; newest: string; lag_seconds: number;
  clock_seconds?: number; version?: string; points_24h?: number; drops_24h?: number;
}

/** How the sensor that serves this page ships what it stores. */
export interface Shipping {
  server: string; state: string; waiting_batches: number; waiting_points: number; lag_seconds: number;
  lost_points?: number; error?: string;
}

export interface Fleet { server?: string; shipping: Shipping | null; sensors: Sensor[]; error?: string; masked?: boolean }

/** A time in its largest unit: 12 s, 5 min, 3 h, 2 d. */
export function ago(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  return s < 172_800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86_400)} d`;
}

/** What a shipment is under way, and whole seconds, are no error of a clock. */
const clockOff = 5;

/** How far a clock is off; "" where that is no matter. */
export function clockError(seconds = 0): string {
  return Math.abs(seconds) <= clockOff ? "" : seconds > 0 ? `${ago(seconds)} ahead` : `${ago(-seconds)} behind`;
}

/** A name that two stores have needs what tells them apart. */
export function nameOf(s: Sensor, all: readonly Sensor[]): string {
  return all.some((o) => o.sensor === s.sensor && o.origin !== s.origin) ? `${s.sensor} (${s.origin.slice(0, 8)})` : s.sensor;
}

/** Silent ones first, for they are why one looks; then by name. */
export function inOrder(list: readonly Sensor[]): Sensor[] {
  const rank = (s: Sensor) => ["silent", "late"].indexOf(s.state) + 1 || 3;
  return [...list].sort((a, b) => rank(a) - rank(b) || (a.sensor < b.sensor ? -1 : a.sensor > b.sensor ? 1 : 0));
}

/** A link to a sensor's traffic alone; the rest of the page stays as it is. */
export function linkOf(s: Sensor): string {
  return "#" + write({ ...current(), filter: `sensor:${quote(s.sensor)}`, place: null });
}

/** How shipping goes, in a sentence. */
export function sentence(s: Shipping): string {
  const to = s.server.replace(/^[a-z]+:\/\//, "");
  if (s.error) return `${to} is away, since ${ago(s.lag_seconds)} of data: ${s.error}`;
  return s.waiting_batches > 0 && s.state === "behind" ? `catching up with ${to}: ${ago(s.lag_seconds)} behind` : `shipped to ${to} as it comes`;
}
