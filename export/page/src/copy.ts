// What a card copies: rows in the columns of the CSV files, a filter for tcpdump and
// Wireshark's capture filters, and links to other sites.

import { kinds, type Link } from "./codec";
import type { Dataset } from "./dataset";
import { detailKey } from "./items";
import { parseNet, single } from "./query/nets";
import { protocols } from "./state";
import { kindOf, placesOf, portOf, type Subject } from "./subject";

/** The columns that every CSV of packetheat has. */
export const csvColumns = ["time", "latitude", "longitude", "direction", "protocol", "ip", "peer", "port", "packets", "bytes", "opens", "country", "city", "asn", "as_org", "sensor", "interval", "precision", "accuracy_km", "flags"] as const;
type Cells = Partial<Record<(typeof csvColumns)[number], string | number>>;

/** A cell: quoted where it must be, neutralised where a spreadsheet would take it for a formula. */
export function csvCell(v: string | number | undefined): string {
  if (v === undefined) return "";
  if (typeof v === "number") return String(v);
  const text = /^[=+\-@\t]/.test(v) ? "'" + v : v;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv(rows: Cells[]): string {
  return [csvColumns.join(","), ...rows.map((r) => csvColumns.map((c) => csvCell(r[c])).join(","))].join("\n") + "\n";
}

/** The most lines that are put into the clipboard. */
export const mostLines = 20_000;

/** A subject's rows under a mask of keys, from bin to bin: by place and bin, or where only details tell, one a detail. */
export function csvRows(s: Subject, d: Dataset, keys: number, from: number, to: number): Cells[] {
  const places = placesOf(s, d), out: Cells[] = [];
  const sensor = d.meta.sensor.includes(", ") ? "" : d.meta.sensor;
  if (places) {
    const r = d.rows;
    for (let i = 0; i < r.n; i++) {
      if (!places[r.place[i]] || !((keys >> r.key[i]) & 1) || r.bin[i] < from || r.bin[i] >= to) continue;
      out.push({ ...cells(d, r.place[i], r.key[i], r.bin[i]), packets: r.packets[i], bytes: r.bytes[i], opens: r.opens[i], sensor, interval: d.step / 1000 });
    }
  } else {
    const t = d.details, kind = kindOf[s.tab]!;
    for (let i = 0; i < t.n; i++) {
      if (t.kind[i] !== kind || !((keys >> t.key[i]) & 1) || detailKey(d, i) !== s.key) continue;
      const row: Cells = { ...cells(d, t.place[i], t.key[i], t.first[i]), packets: t.packets[i], bytes: t.bytes[i], opens: t.opens[i], sensor, interval: ((t.last[i] - t.first[i] + 1) * d.step) / 1000 };
      if (kind === kinds.address) row.ip = t.name[i];
      if (kind === kinds.peer) row.peer = t.name[i];
      if (kind === kinds.port) row.port = t.number[i];
      if (kind === kinds.as) row.as_org = t.name[i];
      if ((kind === kinds.as || kind === kinds.address) && t.number[i]) row.asn = t.number[i];
      out.push(row);
    }
  }
  return out.sort((a, b) => (a.time! < b.time! ? -1 : a.time! > b.time! ? 1 : 0)).slice(0, mostLines);
}

/** What place, key and bin say. */
function cells(d: Dataset, place: number, key: number, bin: number): Cells {
  const p = d.places, out: Cells = { time: new Date(d.timeOf(bin)).toISOString().replace(".000Z", "Z"), direction: key & 1 ? "out" : "in", country: p.country[place], city: p.city[place] };
  const proto = protocols[(key >> 1) & 3];
  if (proto !== "other") out.protocol = proto;
  if (p.located[place] && p.precision[place] !== 3) (out.latitude = p.lat[place].toFixed(4)), (out.longitude = p.lon[place].toFixed(4));
  out.precision = ["", "city", "region", "country"][p.precision[place]];
  if (p.accuracy[place]) out.accuracy_km = p.accuracy[place];
  return out;
}

/** The most addresses in a capture filter: the kernel takes 4096 instructions. */
export const mostHosts = 100;

/** A filter for tcpdump: of a port the port, of anything else its addresses. */
export function captureFilter(s: Subject, addresses: readonly string[]): string {
  if (s.tab === "port") {
    const { proto, port } = portOf(s.key);
    return (["tcp", "udp", "sctp"].includes(proto) ? proto + " " : "") + `port ${port}`;
  }
  return addresses.slice(0, mostHosts).flatMap((a) => captureHost(a) ?? []).join(" or ");
}

/** One address or network; pcap wants networks without bits behind their length, and v4-mapped addresses as IPv4. */
function captureHost(text: string): string | undefined {
  const net = parseNet(text);
  if (!net) return undefined;
  const bare = text.replace(/^::ffff:(?=\d+\.)/i, "");
  return single(net) ? `host ${bare.split("/")[0]}` : `net ${bare}`;
}

/** The addresses of a subject that details tell, the biggest first. */
export function addressesOf(s: Subject, d: Dataset, keys: number): string[] {
  if (s.tab === "address" || s.tab === "peer") return [s.key];
  const t = d.details, places = placesOf(s, d), by = new Map<string, number>();
  for (let i = 0; i < t.n; i++) {
    if (t.kind[i] !== kinds.address || !((keys >> t.key[i]) & 1)) continue;
    if (places ? places[t.place[i]] : s.tab === "network" && t.number[i] === Number(s.key)) by.set(t.name[i], (by.get(t.name[i]) ?? 0) + t.packets[i]);
  }
  return [...by].sort((a, b) => b[1] - a[1]).map(([name]) => name);
}

/** A link with its placeholders filled; undefined where it is not for this subject, or leads elsewhere than to the web. */
export function linkTo(l: Link, s: Subject, from: number, to: number): string | undefined {
  const net = s.tab === "address" ? parseNet(s.key) : undefined, ip = net && single(net) ? s.key : undefined; // never of our side
  if (l.url.includes("{ip}") && ip === undefined) return undefined;
  const time = (t: number) => encodeURIComponent(new Date(t).toISOString().replace(".000Z", "Z"));
  const text = l.url.replaceAll("{ip}", () => encodeURIComponent(ip ?? "")).replaceAll("{from}", () => time(from)).replaceAll("{to}", () => time(to));
  const url = URL.parse?.(text) ?? tryURL(text);
  return url && (url.protocol === "https:" || url.protocol === "http:") && !url.username && !url.password ? url.href : undefined;
}

function tryURL(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
