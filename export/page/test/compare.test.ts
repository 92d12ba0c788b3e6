import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { change, countryChanges, fairScale, inWords, otherStretch, placeChanges, signed, sorted } from "../src/compare";
import { joined } from "../src/versus";
import { dataOf } from "./rows";

const minute = 60_000, hour = 60 * minute, day = 24 * hour;

describe("the stretch that another is compared with", () => {
  const now: [number, number] = [Date.UTC(2026, 10, 17, 14), Date.UTC(2026, 10, 17, 15)];
  test.each([["before", -hour], ["yesterday", -day], ["last-week", -7 * day]])("%s", (what, by) => {
    expect(otherStretch(what, now, "utc")).toEqual(now.map((t) => t + by));
  });
  test("may be any", () => {
    expect(otherStretch("2026-11-01T00:00:00Z/2026-11-02T00:00:00Z", now, "utc")).toEqual([Date.UTC(2026, 10, 1), Date.UTC(2026, 10, 2)]);
    expect(otherStretch("nonsense", now, "utc")).toBe(null);
  });
});

// The vectors of TestFairScale in cmd/packetheat.
test.each([[hour, hour, 1], [5 * minute, 5 * minute - 20_000, 1], [hour, 30 * minute, 2], [10_000, 40_000, 0.25], [day, day - 10 * minute, 1]])("%i ms and %i ms have the scale %f", (now, before, want) => {
  expect(fairScale(now, before, 10_000)).toBe(want);
});

describe("changes", () => {
  // Those of TestScaledChange.
  const scaled = [["a", 100, 50], ["b", 30, 20], ["c", 9, 1], ["d", 0, 1]].map(([key, now, before]) => change({ key: String(key), label: "", note: "", now: Number(now), before: Number(before) }, 2));
  test("come in the order, and in the words, of the command line", () => {
    expect(sorted([...scaled]).map((c) => [c.key, c.state, c.by, inWords(c, 2)])).toEqual([["b", "shrunk", -10, "\u221225\u202f%"], ["c", "grown", 7, "×4.5"], ["d", "gone", -2, "gone"], ["a", "same", 0, ""]]);
  });

  test("never say that all is gone while something is left", () => {
    expect(inWords(change({ key: "a", label: "", note: "", now: 1, before: 1e6 }, 1), 1)).toBe("\u221299\u202f%");
  });

  test("of places and countries add up to the same", () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { minLength: 4, maxLength: 4 }), (amounts) => {
      const d = dataOf([]), now = Float64Array.from(amounts, (a) => a[0]), before = Float64Array.from(amounts, (a) => a[1]);
      const total = (list: { by: number }[]) => list.reduce((n, c) => n + c.by, 0), want = signed(d, now, before, 1).reduce((a, b) => a + b, 0);
      expect(total(placeChanges(d, now, before, 1))).toBe(want);
      expect(total(countryChanges(d, now, before, 1))).toBe(want);
    }));
  });

  test("know what is new and what is gone", () => {
    const d = dataOf([]), list = placeChanges(d, Float64Array.of(5, 0, 7, 0), Float64Array.of(0, 3, 7), 1);
    expect(list.map((c) => [c.label, c.state, c.place])).toEqual([["A", "new", "0.0000,0.0000|DE||A"], ["B", "gone", "10.0000,20.0000|FR||B"], ["C", "same", "20.0000,40.0000|DE||C"]]);
  });
});

test("a place that only has another name is the same place", () => {
  const d = dataOf([]);
  d.places.lat[1] = d.places.lat[0];
  d.places.lon[1] = d.places.lon[0];
  const list = placeChanges(d, Float64Array.of(5, 0, 0, 0), Float64Array.of(0, 4, 0, 0), 1);
  expect(list.map((c) => [c.label, c.before, c.now, c.state])).toEqual([["A", 4, 5, "grown"]]);
});

describe("two answers of the sensor", () => {
  const row = (key: string, packets: number, proto?: string) => ({ key, packets, bytes: 100 * packets, proto });
  test("are joined by key and protocol", () => {
    const list = joined("port", { rows: [row("53", 4, "udp"), row("443", 9, "tcp")], count: 2 }, { rows: [row("53", 6, "tcp"), row("443", 1, "tcp")], count: 2 }, "packets", 1, null);
    expect(list.map((c) => [c.key, c.before, c.now, c.state])).toEqual([["tcp/443", 1, 9, "grown"], ["tcp/53", 6, 0, "gone"], ["udp/53", 0, 4, "new"]]);
  });
  test("that were cut say nothing of what only one of them has", () => {
    const list = joined("ip", { rows: [row("a", 4), row("b", 3)], count: 2 }, { rows: [row("b", 5)], count: 3 }, "bytes", 1, null);
    expect(list.map((c) => [c.key, c.before, c.now])).toEqual([["b", 500, 300]]);
  });
});
