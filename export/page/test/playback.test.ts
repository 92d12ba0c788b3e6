import { describe, expect, test } from "vitest";
import { covered, Steps } from "../src/playback";
import { dataOf, span, start } from "./rows";

const minute = 60_000;

describe("the steps of a playback", () => {
  test.each([
    ["five minutes", 30, 10, 30, 10], ["an hour", 360, 10, 60, 60], ["half an hour", 180, 10, 60, 30], ["a day of minutes", 1440, 60, 72, 1200],
    ["a week of hours", 168, 3600, 56, 10_800], ["a month of days", 30, 86_400, 30, 86_400], ["a window in one bin", 1, 5000, 1, 5000],
  ])("%s", (_, bins, step, n, seconds) => {
    const d = dataOf([], { bins, step, from: Date.UTC(2026, 10, 19) }), s = new Steps(d, ...d.bins());
    expect([s.n, s.length / 1000]).toEqual([n, seconds]);
  });

  test("cut a window without a hole, at round times", () => {
    const d = dataOf([], { bins: 360, from: start + 10_000 }), s = new Steps(d, 0, 360); // 14:00:10 to 15:00:10
    expect(s.n).toBe(61);
    const spans = Array.from({ length: s.n }, (_, i) => s.span(i));
    expect(spans[0]).toEqual([start + 10_000, start + minute]);
    expect(spans[60]).toEqual([start + 60 * minute, start + 60 * minute + 10_000]);
    spans.slice(1).forEach((w, i) => expect(w[0]).toBe(spans[i][1]));
    spans.forEach(([from, to], i) => expect([s.at(from), s.at(to - 1)]).toEqual([i, i]));
  });

  test("hold a time outside to the first and the last", () => {
    const d = dataOf([], { bins: 360 }), s = new Steps(d, 60, 120);
    expect([s.at(0), s.at(start), s.at(start + 1e9)]).toEqual([0, 0, s.n - 1]);
    expect(s.span(0)[0]).toBe(start + 10 * minute);
    expect(s.span(s.n - 1)[1]).toBe(start + 20 * minute);
  });

  test("find the gaps, both ways, and none where there is none", () => {
    const d = dataOf([], { bins: 360, coverage: [span(0, 60, "data"), span(60, 66, "off"), span(66, 180, "idle"), span(180, 186, "off"), span(186, 358, "data"), span(358, 360, "off")] });
    const s = new Steps(d, 0, 360);
    expect([s.nextGap(0, 1), s.nextGap(10, 1), s.nextGap(30, 1), s.nextGap(30, -1), s.nextGap(10, -1)]).toEqual([10, 30, -1, 10, -1]);
  });
});

describe("coverage of a stretch", () => {
  const d = dataOf([], { bins: 360, coverage: [span(0, 60, "data"), span(60, 66, "off"), span(66, 360, "idle")] });
  test.each([[0, 60, 600], [60, 66, 0], [57, 63, 30], [0, 360, 3540], [61, 62, 0]])("bins %i to %i are covered for %i s", (a, b, seconds) => {
    expect(covered(d, d.timeOf(a), d.timeOf(b))).toBe(1000 * seconds);
  });
  test("is complete where nothing says otherwise", () => expect(covered(dataOf([]), start, start + minute)).toBe(minute));
});
