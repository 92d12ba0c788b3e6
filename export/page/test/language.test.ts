import { describe, expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { print, read, type Term } from "../src/query/language";
import { endpoint, matches, type Point } from "../src/query/match";
import { netText, parseNet } from "../src/query/nets";
import { nearest } from "../src/query/nearest";

// What Go's reader of the same language does: see store/vector_test.go.
const vectors = JSON.parse(readFileSync(new URL("../../../store/testdata/filter.json", import.meta.url), "utf8"));

const points: Point[] = vectors.points.map((p: Record<string, never>) => ({
  ip: endpoint(p.ip), peer: endpoint(p.peer), dir: p.direction, proto: p.proto, port: p.port ?? undefined, asn: p.asn, opens: p.opens,
  spot: p.latitude === null ? undefined : [p.latitude, p.longitude], country: p.country, region: p.region, city: p.city, sensor: p.sensor, labels: p.labels,
}));

/** A term as the vectors have it: empty lists are left out. */
function plain(t: Term): Record<string, unknown> {
  const lists = { networks: t.networks.map(netText), ranges: t.ranges, words: t.key === "label" ? [] : t.words, spots: t.spots, dirs: t.dirs };
  return { key: t.key, not: t.not, values: t.values, ...(t.unanswered && { unanswered: true }), ...Object.fromEntries(Object.entries(lists).filter(([, l]) => l.length > 0)) };
}

const bytesBefore = (text: string, at: number) => Buffer.byteLength(text.slice(0, at));

describe("the filter language", () => {
  test.each(vectors.filters as { text: string; print: string; terms: unknown[]; matches: number[] }[])("reads $text as the sensor does", (v) => {
    const { terms, mistake } = read(v.text, vectors.labels);
    expect(mistake).toBeUndefined();
    expect(terms!.map(plain)).toEqual(v.terms);
    expect(print(terms!)).toBe(v.print);
    expect(points.flatMap((p, i) => (matches(terms!, p) ? [i] : []))).toEqual(v.matches);
  });

  test.each(vectors.mistakes as { text: string; says: string; start: number; end: number; fix: string }[])("finds what is wrong with $text where the sensor does", (v) => {
    const { mistake } = read(v.text, vectors.labels);
    expect(mistake).toBeDefined();
    const { text, start, end, fix } = mistake!;
    expect({ says: text, start: bytesBefore(v.text, start), end: bytesBefore(v.text, end), fix }).toEqual({ says: v.says, start: v.start, end: v.end, fix: v.fix });
  });

  test("what it prints it reads the same again", () => {
    for (const v of vectors.filters) {
      const again = read(v.print, vectors.labels).terms!;
      expect(again.map(plain)).toEqual(v.terms);
    }
  });

  test("knows where each term stands", () => {
    const text = 'country:DE  -city:"New York"';
    expect(read(text).terms!.map((t) => text.slice(t.start, t.end))).toEqual(["country:DE", '-city:"New York"']);
  });
});

describe("networks", () => {
  test("are printed as Go prints them", () => {
    for (const text of ["1.2.3.0/24", "2001:db8::/32", "::/0", "::1/128", "1:0:0:2::/64", "fe80::1:0:0:1/128", "0:0:1::/48"]) expect(netText(parseNet(text)!)).toBe(text.replace("0:0:1::", "0:0:1::"));
    expect(netText(parseNet("1:0:0:2:0:0:0:3")!)).toBe("1:0:0:2::3/128");
  });
});

test("the nearest word needs more right letters than wrong ones", () => {
  expect([nearest("tpc", ["tcp", "udp"]), nearest("DE", ["dir"]), nearest("xyz", ["tcp"]), nearest("", ["a"])]).toEqual(["tcp", "", "", ""]);
});
