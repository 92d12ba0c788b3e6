import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decode, fromBase64, parse } from "../src/codec";
import { zeros } from "../src/narrow";

// Written by the Go tests: go test ./export/page -update
const file = (name: string) => readFileSync(new URL(`../testdata/${name}`, import.meta.url));
const golden = new Uint8Array(file("vector.phcols"));
const want = JSON.parse(file("vector.json").toString(), (_, v) => v);

describe("columns", () => {
  const got = parse(golden);

  test("meta is Go's", () => {
    expect(got.meta).toEqual(want.Meta);
  });

  test("places are Go's", () => {
    const p = got.places;
    const places = Array.from({ length: p.n }, (_, i) => ({
      Latitude: p.lat[i], Longitude: p.lon[i], HasCoordinates: p.located[i] === 1, Country: p.country[i], Region: p.region[i],
      City: p.city[i], Precision: ["", "city", "region", "country"][p.precision[i]], AccuracyKM: p.accuracy[i],
    }));
    expect(places).toEqual(want.Places);
  });

  test("rows are Go's, up to 2^53 - 1", () => {
    const r = got.rows;
    const rows = Array.from({ length: r.n }, (_, i) => ({
      Bin: r.bin[i], Place: r.place[i], Proto: (r.key[i] >> 1) & 3, Out: (r.key[i] & 1) === 1, Cloud: r.key[i] >> 3 === 1, Packets: r.packets[i], Bytes: r.bytes[i], Opens: r.opens[i],
    }));
    expect(rows).toEqual(want.Rows);
    expect(Math.max(...r.bytes)).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("rows' columns are as narrow as what is in them, and keep no part of the stream", () => {
    const { n, ...columns } = got.rows;
    for (const [name, a] of Object.entries(columns)) {
      expect(a).toHaveLength(n);
      expect(a.constructor, name).toBe(name === "key" ? Uint8Array : zeros(0, Math.max(...a)).constructor);
    }
    const { places: p, details: d } = got;
    for (const a of [...Object.values(columns), p.lat, p.lon, p.located, p.precision, p.accuracy, d.place, d.kind, d.key, d.number, d.packets, d.labels]) expect(a.buffer).not.toBe(golden.buffer);
  });

  test("details are Go's", () => {
    const d = got.details;
    const details = Array.from({ length: d.n }, (_, i) => ({
      Place: d.place[i], Kind: d.kind[i], Name: d.name[i], Number: d.number[i], Proto: (d.key[i] >> 1) & 3, Out: (d.key[i] & 1) === 1, Cloud: d.key[i] >> 3 === 1,
      Packets: d.packets[i], Bytes: d.bytes[i], Opens: d.opens[i], First: d.first[i], Last: d.last[i], Labels: d.labels[i],
    }));
    expect(details).toEqual(want.Details);
  });

  test("the gzip and the base64 around them come off", async () => {
    const text = gzipSync(golden).toString("base64");
    expect((await decode(fromBase64(text))).rows.n).toBe(want.Rows.length);
  });

  test("columns it does not know are skipped", () => {
    const extra = new Uint8Array([200, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 7, 7, 7]);
    const longer = new Uint8Array(golden.length + extra.length);
    longer.set(golden);
    longer.set(extra, golden.length);
    expect(parse(longer).rows).toEqual(got.rows);
  });

  test("what is not columns is refused in words", () => {
    expect(() => parse(new TextEncoder().encode("GIF89a______"))).toThrow("not packetheat columns");
    const newer = golden.slice();
    newer[6] = 9;
    expect(() => parse(newer)).toThrow("version 9");
    expect(() => parse(golden.slice(0, golden.length - 1))).toThrow("end too early");
  });
});
