// What a saved file shows, as rows for other programs: the columns of the sensor's
// own exports. A file keeps sums by place, protocol class and direction: the fields
// that would name an address are empty, as in the sensor's rows of expired points.

import type { Dataset } from "./dataset";
import * as s from "./state";

export const columns = [
  "time", "latitude", "longitude", "direction", "protocol", "ip", "peer", "port", "packets", "bytes", "opens", "country", "city",
  "asn", "as_org", "sensor", "interval", "precision", "accuracy_km", "flags",
] as const;

type Column = (typeof columns)[number];
export type Row = Record<Column, string | number | null>;

/** Which of the rows: bit k of keys is set, the bin is from first up to end, the place counts. */
export interface Selection { keys: number; bins: [number, number]; places?: Uint8Array }

const precisions = [null, "city", "region", "country"];

/** The selected rows in time order; the same place, class and direction in one bin is one row. */
export function rowsOf(d: Dataset, { keys, bins: [first, end], places }: Selection): Row[] {
  const r = d.rows, p = d.places, sums = new Map<number, [number, number, number]>();
  for (let i = 0; i < r.n; i++) {
    const bin = r.bin[i], key = r.key[i] & 7, place = r.place[i];
    if (bin < first || bin >= end || !((keys >> r.key[i]) & 1) || (places && !places[place])) continue;
    const id = (bin * p.n + place) * 8 + key, sum = sums.get(id);
    if (sum) (sum[0] += r.packets[i]), (sum[1] += r.bytes[i]), (sum[2] += r.opens[i]);
    else sums.set(id, [r.packets[i], r.bytes[i], r.opens[i]]);
  }
  return [...sums].sort(([a], [b]) => a - b).map(([id, [packets, bytes, opens]]) => {
    const key = id % 8, place = Math.floor(id / 8) % p.n, bin = Math.floor(id / 8 / p.n), located = p.located[place] === 1;
    return {
      time: new Date(d.timeOf(bin)).toISOString().replace(".000Z", "Z"),
      latitude: located ? +p.lat[place].toFixed(4) : null, longitude: located ? +p.lon[place].toFixed(4) : null,
      direction: key & 1 ? "out" : "in", protocol: s.protocols[key >> 1], ip: null, peer: null, port: null, packets, bytes, opens,
      country: p.country[place] || null, city: p.city[place] || null, asn: null, as_org: null, sensor: d.meta.sensor || null,
      interval: d.step / 1000, precision: precisions[p.precision[place]] ?? null, accuracy_km: p.accuracy[place] || null, flags: null,
    };
  });
}

/** A cell of RFC 4180: quoted where it must be, and no formula to a spreadsheet. Numbers stay as they are. */
export function cell(v: string | number | null): string {
  if (v === null || typeof v === "number") return v === null ? "" : String(v);
  const safe = /^[=+\-@\t]/.test(v) ? "'" + v : v;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(rows: Row[]): string {
  return [columns.join(","), ...rows.map((r) => columns.map((c) => cell(r[c])).join(","))].join("\n") + "\n";
}

export function ndjson(rows: Row[]): string {
  return rows.map((r) => JSON.stringify(r) + "\n").join("");
}

/** RFC 7946, each row a feature; without coordinates it has no geometry. What the file says of itself goes along. */
export function geojson(rows: Row[], d: Dataset): string {
  const { version, sensor, filter, command, geo } = d.meta;
  const attribution = geo?.map((g) => [g.attribution || g.name, g.url].filter(Boolean).join(" "));
  const features = rows.map(({ latitude, longitude, ...properties }) => ({
    type: "Feature", geometry: latitude === null ? null : { type: "Point", coordinates: [longitude, latitude] }, properties,
  }));
  return JSON.stringify({ type: "FeatureCollection", packetheat: { version, sensor, from: d.meta.from, to: d.meta.to, filter, command, attribution }, features }) + "\n";
}
