// Times as people type them: what the command line understands, the page does, too
// (store.ParseTime and store.ParseDuration; times.json is tested against both).

import type { Zone } from "./format";

const second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
const lengths: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: second, m: minute, h: hour, d: day, w: 7 * day, y: 365 * day };

const shape = /^(?:(?:\d+\.?\d*|\.\d+)[dwy])*(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|[smh]))*$/;

/** 90s, 1h30m, 7d, 1.5d: in ms; undefined where it is none, or nothing. */
export function parseDuration(text: string): number | undefined {
  if (!shape.test(text)) return undefined; // days and longer come first
  let total = 0;
  for (const [, n, unit] of text.matchAll(/([\d.]+)([a-zµμ]+)/g)) total += Number(n) * lengths[unit];
  return total > 0 && Number.isFinite(total) ? total : undefined;
}

/** The moment at which clocks show this: where they jump over it, as much later as they jump. */
function wall(zone: Zone, year: number, month: number, date: number, ms = 0): number {
  const h = Math.floor(ms / hour), rest = ms % hour;
  const utc = new Date(0), local = new Date(0);
  if (zone === "utc") return utc.setUTCFullYear(year, month, date) + ms;
  local.setFullYear(year, month, date);
  return local.setHours(h, Math.floor(rest / minute), Math.floor((rest % minute) / second), rest % second);
}

/** Year, month, date and weekday of a time where it is. */
function calendar(t: number, zone: Zone): [number, number, number, number] {
  const d = new Date(t);
  return zone === "utc" ? [d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate(), d.getUTCDay()] : [d.getFullYear(), d.getMonth(), d.getDate(), d.getDay()];
}

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** 15:00 or 15:00:10, in ms since midnight. */
function parseClock(text: string): number | undefined {
  const m = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (!m || +m[1] > 23 || +m[2] > 59 || +(m[3] ?? 0) > 59) return undefined;
  return +m[1] * hour + +m[2] * minute + +(m[3] ?? 0) * second;
}

/** Does the month have that day? */
function exists(year: number, month: number, date: number): boolean {
  return month >= 1 && month <= 12 && date >= 1 && date <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

const offset = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}:\d{2}([.,]\d+)?(Z|[+-]\d{2}:\d{2})$/;
const dated = /^(\d{4})-(\d{2})-(\d{2})(?:(?:T| +)(\d{1,2}:\d{2}(?::\d{2})?))?$/;

/** A time, or undefined. Without an offset it is in the zone; words start from now. */
export function parseTime(text: string, now: number, zone: Zone): number | undefined {
  const typed = text.trim(), t = typed.toLowerCase();
  const full = offset.exec(typed), plain = dated.exec(typed);
  if (full || plain) {
    const [year, month, date] = (full ?? plain)!.slice(1, 4).map(Number);
    if (!exists(year, month, date)) return undefined;
    if (full) {
      const at = Date.parse(typed.replace(",", "."));
      return Number.isNaN(at) ? undefined : at;
    }
    const ms = plain![4] ? parseClock(plain![4]) : 0;
    return ms === undefined ? undefined : wall(zone, year, month - 1, date, ms);
  }
  if (t === "now") return now;
  if (t.startsWith("-")) {
    const ago = parseDuration(t.slice(1));
    return ago === undefined ? undefined : now - ago;
  }
  return parseWords(t, now, zone);
}

/** DAY, DAY CLOCK or CLOCK; a weekday is the latest one that has begun. */
function parseWords(t: string, now: number, zone: Zone): number | undefined {
  const [word, ...rest] = t.includes(" ") || !t.includes(":") ? t.split(/ +/) : ["today", t];
  if (rest.length > 1) return undefined;
  const [year, month, date, today] = calendar(now, zone);
  const named = word.length >= 3 ? weekdays.findIndex((d) => d.startsWith(word)) : -1;
  const back = word === "today" ? 0 : word === "yesterday" ? 1 : named >= 0 ? (today - named + 7) % 7 : -1;
  if (back < 0) return undefined;
  const ms = rest.length ? parseClock(rest[0]) : 0;
  if (ms === undefined) return undefined;
  const at = wall(zone, year, month, date - back, ms);
  return at > now && named >= 0 && rest.length ? wall(zone, year, month, date - back - 7, ms) : at;
}

/** From and to as typed; a sentence where they are not. */
export function parseStretch(from: string, to: string, now: number, zone: Zone): [number, number] | string {
  const ends = [from, to || "now"].map((text) => parseTime(text, now, zone));
  const bad = ends.indexOf(undefined);
  if (bad >= 0) return `“${[from, to][bad]}” is not a time: write 2026-11-21, 2026-11-21 14:00, 2026-11-21T14:00:00Z, yesterday, tue 15:00 or -2h.`;
  const [a, b] = ends as [number, number];
  return a < b ? [a, b] : "The end must be after the start.";
}

/** The same stretch of clock time, so many days before: of 23 or 25 hours where clocks were changed. */
export function daysBefore(t: number, days: number, zone: Zone): number {
  if (zone === "utc") return t - days * day;
  const d = new Date(t);
  return d.setDate(d.getDate() - days);
}
