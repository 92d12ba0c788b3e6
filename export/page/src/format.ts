// Numbers and times as people read them.

const minus = "\u2212", thin = "\u202f";

/** 12.4 M: three digits at most, then a suffix; exact below 10,000. */
export function count(n: number): string {
  return scaled(n, ["", "k", "M", "G", "T", "P"], 10_000);
}

/** 9.1 GB, in powers of ten as network people count. */
export function bytes(n: number): string {
  return scaled(n, ["B", "kB", "MB", "GB", "TB", "PB"], 1000);
}

/** By unit: what the map is weighted by. */
export function amount(n: number, unit: "packets" | "bytes"): string {
  return unit === "bytes" ? bytes(n) : count(n);
}

/** Makes a thing when it is first asked for, and once. */
export function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** Making a formatter takes longer than using it a hundred times, the first of a page much longer: it waits for the map. */
const grouped = lazy(() => new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 }));

/** 12,345,678: for titles and cards, where exactness counts. */
export function exact(n: number): string {
  return grouped().format(n);
}

function scaled(n: number, suffixes: string[], plainBelow: number): string {
  if (n < 0) return minus + scaled(-n, suffixes, plainBelow);
  let i = 0;
  if (n >= plainBelow) while (n >= 999.5 && i < suffixes.length - 1) (n /= 1000), i++;
  const digits = i === 0 ? grouped().format(n) : n >= 99.95 ? n.toFixed(0) : n >= 9.995 ? n.toFixed(1) : n.toFixed(2);
  const short = digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
  return suffixes[i] ? short + thin + suffixes[i] : short;
}

/** 98 %; never 100 unless all, never 0 unless none. */
export function share(part: number, whole: number): string {
  if (whole <= 0) return "–";
  const p = (100 * part) / whole;
  if (part <= 0) return "0" + thin + "%";
  if (p < 1) return "<" + thin + "1" + thin + "%";
  if (part >= whole) return "100" + thin + "%";
  return Math.min(99, Math.round(p)) + thin + "%";
}

export type Zone = "local" | "utc";

/** One formatter per shape and zone: making them is slow. */
const formatters = new Map<string, Intl.DateTimeFormat>();
function formatter(zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const id = zone + JSON.stringify(options);
  let f = formatters.get(id);
  if (!f) {
    f = new Intl.DateTimeFormat("en-GB", { ...options, hourCycle: "h23", timeZone: zone === "utc" ? "UTC" : undefined });
    formatters.set(id, f);
  }
  return f;
}

const day: Intl.DateTimeFormatOptions = { weekday: "short", day: "numeric", month: "short" };

/** Tue, 17 Nov becomes Tue 17 Nov. */
export function date(t: number, zone: Zone, withYear = false): string {
  return formatter(zone, withYear ? { ...day, year: "numeric" } : day).format(t).replace(",", "");
}

/** 15:00, or 15:00:10 where the seconds say something. */
export function clock(t: number, zone: Zone, seconds = t % 60_000 !== 0): string {
  return formatter(zone, { hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) }).format(t);
}

export function zoneName(t: number, zone: Zone): string {
  if (zone === "utc") return "UTC";
  const parts = formatter(zone, { hour: "2-digit", timeZoneName: "short" }).formatToParts(t);
  return parts.find((p) => p.type === "timeZoneName")?.value ?? "";
}

/** Tue 17 Nov 15:00–15:30 CET; both dates where they differ. */
export function span(from: number, to: number, zone: Zone, now = Date.now()): string {
  const old = Math.abs(now - from) > 300 * 86_400_000;
  const a = date(from, zone, old), b = date(to, zone, old);
  const seconds = from % 60_000 !== 0 || to % 60_000 !== 0;
  const end = a === b ? "" : b + " ";
  const gap = end ? " – " : "–";
  return `${a} ${clock(from, zone, seconds)}${gap}${end}${clock(to, zone, seconds)} ${zoneName(from, zone)}`;
}

/** 3 days, 2 h, 40 s: how long. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 90) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 172_800) return `${Math.round(s / 3600)} h`;
  if (s < 63_072_000) return `${Math.round(s / 86_400)} days`;
  return `${(s / 31_557_600).toFixed(1).replace(".0", "")} years`;
}

/** How old something is: the days that it has completed, as the sensor counts them. */
export function aged(ms: number): string {
  return duration(ms < 172_800_000 ? ms : ms - (ms % 86_400_000));
}

/** DE to Germany; the browser knows the names without asking anyone. */
const names = lazy(() => new Intl.DisplayNames("en", { type: "region", fallback: "code" }));
const known = new Map<string, string>();
export function countryName(code: string): string {
  let name = known.get(code);
  if (name === undefined) {
    name = !code ? "Unknown" : /^[A-Z]{2}$/.test(code) ? (names().of(code) ?? code) : code;
    known.set(code, name);
  }
  return name;
}
