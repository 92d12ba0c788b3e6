// The rows that a saved file gives to other programs, held to the data it carries.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "../src/codec";
import { Dataset } from "../src/dataset";
import { lines } from "../src/lines";
import { cell, columns, csv, geojson, ndjson, rowsOf } from "../src/rows";
import { fileName } from "../src/save";

const golden = () => new Dataset(parse(new Uint8Array(readFileSync(new URL("../testdata/vector.phcols", import.meta.url)))));
const all = { keys: 0xffff, bins: [0, 1e9] as [number, number] };

describe("rows of a saved file", () => {
  test("have all of its packets, in time order", () => {
    const d = golden(), rows = rowsOf(d, all), sum = (f: (i: number) => number) => Array.from({ length: d.rows.n }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
    expect(rows.reduce((n, r) => n + Number(r.packets), 0)).toBe(sum((i) => d.rows.packets[i]));
    expect(rows.reduce((n, r) => n + Number(r.opens), 0)).toBe(sum((i) => d.rows.opens[i]));
    expect(rows.map((r) => r.time)).toEqual(rows.map((r) => r.time).toSorted());
    const berlin = rows.find((r) => r.city === "Berlin")!;
    expect(berlin).toMatchObject({ latitude: 52.52, longitude: 13.405, country: "DE", precision: "city", interval: 10, ip: null, peer: null, port: null, sensor: d.meta.sensor });
  });

  test("big clouds are in the same row as the others", () => {
    const d = golden(), clouds = rowsOf(d, { ...all, keys: 0xff00 }), others = rowsOf(d, { ...all, keys: 0x00ff }), packets = (list: typeof clouds) => list.reduce((n, r) => n + Number(r.packets), 0);
    expect(packets(clouds)).toBeGreaterThan(0);
    expect(packets(clouds) + packets(others)).toBe(packets(rowsOf(d, all)));
  });

  test("are those that are selected", () => {
    const d = golden(), places = Uint8Array.from(d.places.country, (c) => (c === "DE" ? 1 : 0));
    expect(new Set(rowsOf(d, { ...all, places }).map((r) => r.country))).toEqual(new Set(["DE"]));
    expect(new Set(rowsOf(d, { ...all, keys: 0xaaaa }).map((r) => r.direction))).toEqual(new Set(["out"]));
    expect(rowsOf(d, { ...all, bins: [0, 0] })).toEqual([]);
  });

  test("as CSV are the sensor's columns, and no formulas", () => {
    const text = csv(rowsOf(golden(), all)), [head, ...rest] = text.trimEnd().split("\n");
    expect(head).toBe("time,latitude,longitude,direction,protocol,ip,peer,port,packets,bytes,opens,country,city,asn,as_org,sensor,interval,precision,accuracy_km,flags");
    expect(rest.length).toBeGreaterThan(3);
    expect(text).toContain('"São ""Paulo"""');
    expect([cell("=1+1"), cell("a,b"), cell(-5), cell(null), cell("+x\n"), cell('say "hi"')]).toEqual(["'=1+1", '"a,b"', "-5", "", '"\'+x\n"', '"say ""hi"""']);
  });

  test("as NDJSON are one object a line, as GeoJSON one feature each", () => {
    const d = golden(), rows = rowsOf(d, all);
    expect(ndjson(rows).trimEnd().split("\n").map((l) => JSON.parse(l) as unknown)).toEqual(rows);
    const g = JSON.parse(geojson(rows, d)) as { features: { geometry: { coordinates: number[] } | null; properties: Record<string, unknown> }[] };
    expect(g.features).toHaveLength(rows.length);
    expect(g.features.some((f) => f.geometry === null)).toBe(true);
    expect(g.features.find((f) => f.properties.city === "Berlin")!.geometry!.coordinates).toEqual([13.405, 52.52]);
    expect(Object.keys(g.features[0].properties)).toEqual(columns.filter((c) => c !== "latitude" && c !== "longitude"));
  });
});

describe("files and pictures", () => {
  test.each([["gw1", "gw1-2026-11-17T1400.csv"], ["../../etc/passwd", "etc-passwd-2026-11-17T1400.csv"], ["", "packetheat-2026-11-17T1400.csv"], ["Büro 2", "Büro-2-2026-11-17T1400.csv"], ["<script>", "script-2026-11-17T1400.csv"]])(
    "%s has a safe name", (sensor, want) => expect(fileName(sensor, Date.UTC(2026, 10, 17, 14), "csv")).toBe(want));

  test("headings break between pieces", () => {
    const measure = (t: string) => t.length;
    expect(lines(["aaaa", "bbbb", "cc"], " · ", 11, measure)).toEqual(["aaaa · bbbb", "cc"]);
    expect(lines(["longer than it may be", "b"], " · ", 5, measure)).toEqual(["longer than it may be", "b"]);
    expect(lines([], " · ", 5, measure)).toEqual([]);
  });
});
