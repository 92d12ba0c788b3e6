import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { daysBefore, parseDuration, parseStretch, parseTime } from "../src/times";

process.env.TZ = "Europe/Berlin"; // read when a time is first converted

interface Vector { text: string; zone: string; now: number; want?: number }
const vectors = JSON.parse(readFileSync(new URL("../../../store/testdata/times.json", import.meta.url), "utf8")) as Vector[];

describe("a typed time", () => {
  test("means what it means to the command line", () => {
    expect(vectors.length).toBeGreaterThan(200);
    const found = vectors.map((v) => ({ ...v, want: parseTime(v.text, v.now, v.zone === "UTC" ? "utc" : "local") }));
    expect(found).toEqual(vectors.map((v) => ({ ...v, want: v.want })));
  });

  test.each([["24h", 86_400_000], ["1d12h", 129_600_000], ["1.5h", 5_400_000], ["0s", undefined], ["1h7d", undefined], ["", undefined], ["7", undefined]])("%s is a duration", (text, want) => {
    expect(parseDuration(text)).toBe(want);
  });
});

describe("a typed stretch", () => {
  const now = Date.UTC(2026, 10, 21, 12);
  test("may end now", () => expect(parseStretch("-2h", "", now, "utc")).toEqual([now - 7_200_000, now]));
  test.each([["noon", "now", /“noon” is not a time: write 2026/], ["-1h", "soon", /“soon”/], ["now", "-1h", /end must be after/], ["", "now", /“” is not a time/]])("from %s to %s is explained", (from, to, want) => {
    expect(parseStretch(from, to, now, "utc")).toMatch(want);
  });
});

test("a day before is the same time of day, whatever the clocks did", () => {
  const at = Date.parse("2026-10-25T12:00:00+01:00");
  expect([daysBefore(at, 1, "local"), daysBefore(at, 1, "utc")].map((t) => new Date(t).toISOString())).toEqual(["2026-10-24T10:00:00.000Z", "2026-10-24T11:00:00.000Z"]);
});
