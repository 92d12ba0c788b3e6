// Reads what the Go side's Encode writes; doc.go describes the format.

import { zeros, type Whole } from "./narrow";

export interface Span { from: string; to: string; state: "data" | "idle" | "off"; drops?: number }
export interface Geo { name: string; built?: string; attribution?: string; url?: string }
export interface Totals { packets: number; bytes: number; twoPublic: number; points: number; located: number; unlocated: number }

export interface Meta {
  version: string; sensor: string; from: string; to: string; written?: string; refresh?: number;
  filter?: string; start: string; step: number; tick?: number; totals: Totals; drops: number;
  coverage?: Span[]; geo?: Geo[]; home?: Home; links?: Link[];
  command?: string; title?: string; note?: string; coarsened?: string; detail?: string; message?: string; state?: string;
  labels?: string[]; clouds?: boolean;
}

/** Where the sensor stands, in degrees. */
export interface Home { latitude: number; longitude: number; name?: string }

/** A way out of a card: {ip}, {from} and {to} in its URL are to be put in, percent-encoded. */
export interface Link { name: string; url: string }

/** Places as columns; precision is 0 unknown, 1 city, 2 region, 3 country. */
export interface Places {
  n: number; lat: Float64Array; lon: Float64Array; located: Uint8Array; precision: Uint8Array;
  country: string[]; region: string[]; city: string[]; accuracy: Float64Array;
}

/** Rows as columns, each as narrow as can be; key is 8 when of a big cloud + protocol class × 2 + (1 when out). */
export interface Rows { n: number; place: Whole; key: Uint8Array; bin: Whole; packets: Whole; bytes: Whole; opens: Whole }

export interface Details {
  n: number; place: Uint32Array; kind: Uint8Array; key: Uint8Array; name: string[]; number: Float64Array;
  packets: Float64Array; bytes: Float64Array; opens: Float64Array; first: Float64Array; last: Float64Array;
  /** Bit i: it has the label meta.labels[i]. */
  labels: Float64Array;
}

export interface Columns { meta: Meta; places: Places; rows: Rows; details: Details }

export const kinds = { address: 0, peer: 1, port: 2, as: 3 } as const;

interface Column { kind: number; count: number; payload: Uint8Array }

/** Decodes the bytes of a base64 data tag. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = Uint8Array as unknown as { fromBase64?: (s: string) => Uint8Array<ArrayBuffer> };
  if (native.fromBase64) return native.fromBase64(text);
  const binary = atob(text);
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < out.length; i++) out[i] = binary.charCodeAt(i);
  return out;
}

/**
 * Unpacks gzip with the browser's own decoder. Chunks are joined here: by way of a Blob
 * and a Response they go to another process and back, which is a good part of a start.
 */
export async function gunzip(b: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new DecompressionStream("gzip"), writer = stream.writable.getWriter();
  const written = writer.write(b).then(() => writer.close());
  written.catch(() => {}); // the reader fails with the same error
  const chunks: Uint8Array[] = [], reader = stream.readable.getReader();
  let length = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
    length += next.value.length;
  }
  await written;
  const out = new Uint8Array(length);
  for (let i = 0, at = 0; i < chunks.length; at += chunks[i++].length) out.set(chunks[i], at);
  return out;
}

/** Unpacks and decodes a whole stream. */
export async function decode(b: Uint8Array<ArrayBuffer>): Promise<Columns> {
  return parse(await gunzip(b));
}

/** Decodes the unpacked stream. */
export function parse(b: Uint8Array): Columns {
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
  const text = new TextDecoder();
  if (text.decode(b.subarray(0, 6)) !== "PHCOLS") throw new Error("not packetheat columns");
  const version = view.getUint16(6, true);
  if (version !== 2) throw new Error(`columns of version ${version}, this page reads version 2`);
  const metaEnd = 12 + view.getUint32(8, true);
  const meta = JSON.parse(text.decode(b.subarray(12, metaEnd))) as Meta;
  const columns = new Map<number, Column>();
  for (let at = metaEnd; at < b.length; ) {
    const length = view.getUint32(at + 8, true);
    if (at + 12 + length > b.length) throw new Error("columns end too early");
    columns.set(b[at], { kind: b[at + 1], count: view.getUint32(at + 4, true), payload: b.subarray(at + 12, at + 12 + length) });
    at += 12 + length;
  }
  const places = readPlaces(columns);
  return { meta, places, rows: readRows(columns, places.n), details: readDetails(columns) };
}

function readPlaces(c: Map<number, Column>): Places {
  const flags = bytes(c.get(3));
  return {
    n: flags.length,
    lat: degrees(c.get(1)),
    lon: degrees(c.get(2)),
    located: flags.map((f) => f & 1),
    precision: flags.map((f) => (f >> 1) & 3),
    country: strings(c.get(4)),
    region: strings(c.get(5)),
    city: strings(c.get(6)),
    accuracy: magnitudes(c.get(7)),
  };
}

/** Plain loops, for they run once, before anything of them is compiled well. */
function readRows(c: Map<number, Column>, places: number): Rows {
  const delta = narrow(c.get(16)), gap = narrow(c.get(17)), n = delta.length;
  const key = new Uint8Array(n), place = zeros(n, Math.max(0, places - 1)), packets = narrow(c.get(18));
  for (let i = 0, k = 0; i < n; i++) {
    k += delta[i];
    key[i] = k & 15; // of the lowest 32 bits, which are what & sees of larger numbers, too
    place[i] = (k - key[i]) / 16;
  }
  let last = 0;
  for (let i = 0, at = 0; i < n; i++) if ((at = i > 0 && delta[i] === 0 ? at + gap[i] + 1 : gap[i]) > last) last = at;
  const bin = zeros(n, last);
  for (let i = 0, at = 0; i < n; i++) bin[i] = at = i > 0 && delta[i] === 0 ? at + gap[i] + 1 : gap[i];
  return { n, place, key, bin, packets, bytes: readBytes(c, packets), opens: narrow(c.get(20)) };
}

/** Bytes are so many a packet, and a rest. */
function readBytes(c: Map<number, Column>, packets: Whole): Whole {
  const each = narrow(c.get(19)), rest = narrow(c.get(21)), n = packets.length;
  let most = 0;
  for (let i = 0; i < n; i++) {
    const v = each[i] * packets[i] + rest[i];
    if (v > most) most = v;
  }
  const out = zeros(n, most);
  for (let i = 0; i < n; i++) out[i] = each[i] * packets[i] + rest[i];
  return out;
}

function readDetails(c: Map<number, Column>): Details {
  const place = Uint32Array.from(magnitudes(c.get(32)));
  for (let i = 1; i < place.length; i++) place[i] += place[i - 1];
  const first = magnitudes(c.get(40)), last = magnitudes(c.get(41));
  for (let i = 0; i < last.length; i++) last[i] += first[i];
  return {
    n: place.length, place, kind: bytes(c.get(33)), key: bytes(c.get(34)), name: strings(c.get(35)),
    number: magnitudes(c.get(36)), packets: magnitudes(c.get(37)), bytes: magnitudes(c.get(38)), opens: magnitudes(c.get(39)),
    first, last, labels: magnitudes(c.get(42)),
  };
}

/** A copy: a part of the stream would keep all of it in memory. */
function bytes(c: Column | undefined): Uint8Array {
  return c ? c.payload.slice() : new Uint8Array(0);
}

function degrees(c: Column | undefined): Float64Array {
  if (!c) return new Float64Array(0);
  const n = c.count, b = c.payload, out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = (b[i] | (b[n + i] << 8) | (b[2 * n + i] << 16) | (b[3 * n + i] << 24)) / 1e4;
  return out;
}

function strings(c: Column | undefined): string[] {
  if (!c || c.count === 0) return [];
  const out = new TextDecoder().decode(c.payload).split("\0");
  out.length = c.count;
  return out;
}

/** A column of magnitudes in eight bytes each: there are few of them, or they are reckoned with. */
export function magnitudes(c: Column | undefined): Float64Array {
  return c ? spread(c, new Float64Array(c.count)) : new Float64Array(0);
}

/** The same in as few bytes as its longest number needs. */
function narrow(c: Column | undefined): Whole {
  if (!c) return zeros(0, 0);
  let longest = 0;
  for (let i = 0; i < c.count; i++) if (c.payload[i] > longest) longest = c.payload[i];
  return spread(c, zeros(c.count, 2 ** longest - 1));
}

/** Bit lengths first, then the bits below the leading ones, lowest first. */
function spread<T extends Whole>(c: Column, out: T): T {
  const n = c.count, b = c.payload;
  let at = n, acc = 0, have = 0;
  for (let i = 0; i < n; i++) {
    const length = b[i];
    if (length < 2) {
      out[i] = length;
      continue;
    }
    let left = length - 1;
    if (left < 17) { // nearly all are
      while (have < left) {
        acc |= b[at++] << have;
        have += 8;
      }
      out[i] = (acc & ((1 << left) - 1)) | (1 << left);
      acc >>>= left;
      have -= left;
      continue;
    }
    let value = 0, unit = 1;
    while (left > 0) {
      const take = left < 16 ? left : 16;
      while (have < take) {
        acc |= b[at++] << have;
        have += 8;
      }
      value += (acc & ((1 << take) - 1)) * unit;
      unit *= 1 << take;
      acc >>>= take;
      have -= take;
      left -= take;
    }
    out[i] = value + unit;
  }
  return out;
}
