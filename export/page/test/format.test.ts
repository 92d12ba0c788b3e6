import { describe, expect, test } from "vitest";
import { aged, bytes, clock, count, countryName, duration, share, span, zoneName } from "../src/format";

const plain = (s: string) => s.replaceAll("\u202f", " ");

describe("numbers", () => {
  test.each([[0, "0"], [7, "7"], [999, "999"], [9999, "9,999"], [10_000, "10 k"], [12_345, "12.3 k"], [999_499, "999 k"], [999_500, "1 M"], [12_400_000, "12.4 M"], [2e9, "2 G"]])(
    "count %d is %s", (n, want) => expect(plain(count(n))).toBe(want));
  test.each([[0, "0 B"], [999, "999 B"], [1000, "1 kB"], [9.1e9, "9.1 GB"], [1234, "1.23 kB"], [1e15, "1 PB"]])("bytes %d is %s", (n, want) => expect(plain(bytes(n))).toBe(want));
  test.each([[0, 0, "–"], [0, 5, "0 %"], [5, 5, "100 %"], [9999, 10_000, "99 %"], [1, 10_000, "< 1 %"], [98, 100, "98 %"]])(
    "%d of %d is %s", (a, b, want) => expect(plain(share(a, b))).toBe(want));
  test.each([[5000, "5 s"], [120_000, "2 min"], [7_200_000, "2 h"], [20 * 86_400_000, "20 days"], [729 * 86_400_000, "729 days"], [730 * 86_400_000, "2 years"], [2515 * 86_400_000, "6.9 years"]])("%d ms is %s", (ms, want) => expect(duration(ms)).toBe(want));
  test.each([[7_000_000, "2 h"], [169.9 * 86_400_000, "169 days"], [170 * 86_400_000, "170 days"]])("who is %d ms old is %s", (ms, want) => expect(aged(ms)).toBe(want));
});

describe("times", () => {
  const at = Date.UTC(2026, 10, 17, 15, 0), now = at + 1e6;
  test("a span names its day once and its zone", () => {
    expect(span(at, at + 1_800_000, "utc", now)).toBe("Tue 17 Nov 15:00–15:30 UTC");
  });
  test("a span over midnight names both days", () => {
    expect(span(at, at + 86_400_000, "utc", now)).toBe("Tue 17 Nov 15:00 – Wed 18 Nov 15:00 UTC");
  });
  test("seconds show where they matter, years where they are not this one", () => {
    expect(span(at + 10_000, at + 20_000, "utc", now)).toBe("Tue 17 Nov 15:00:10–15:00:20 UTC");
    expect(span(at, at + 60_000, "utc", at + 400 * 86_400_000)).toContain("2026");
  });
  test("midnight is 00:00, never 24:00", () => {
    expect(clock(Date.UTC(2026, 10, 17), "utc")).toBe("00:00");
    expect(zoneName(at, "utc")).toBe("UTC");
  });
});

test("countries have names", () => {
  expect([countryName("DE"), countryName("XK"), countryName(""), countryName("??")]).toEqual(["Germany", "Kosovo", "Unknown", "??"]);
});
