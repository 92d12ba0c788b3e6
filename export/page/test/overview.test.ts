import { describe, expect, test } from "vitest";
import { between, columns, courseOf, gapsOf, moved, type Course } from "../src/overview";

const from = Date.UTC(2026, 10, 17), hour = 3_600_000, at = (h: number) => new Date(from + h * hour).toISOString();
const bin = (h: number, packets: number) => ({ time: at(h), protocol: "tcp", direction: "in", packets, bytes: 100 * packets });

describe("the course of all there is", () => {
  const answer = { window: { from: at(0.5), to: at(3.25) }, step: 3600, bins: [bin(0, 3), bin(0, 4), bin(2, 10), bin(3, 1), bin(9, 99)], spans: [] };
  test("adds up what is of one time", () => {
    const c = courseOf(answer)!;
    expect([c.from, c.to, c.step]).toEqual([from, from + 3.25 * hour, hour]);
    expect([Array.from(c.packets), c.bytes[0]]).toEqual([[7, 0, 10, 1], 700]);
  });
  test("is not there where nothing is stored", () => expect(courseOf({ ...answer, window: {} })).toBe(null));
});

describe("the strip", () => {
  const c: Course = { from, to: from + 100 * hour, step: hour, packets: Float64Array.from({ length: 100 }, (_, i) => (i === 42 ? 50 : 1)), bytes: new Float64Array(100), spans: [] };
  test.each([10, 100, 333])("shows the largest step in %i columns", (n) => {
    const v = columns(c, "packets", n);
    expect(v).toHaveLength(n);
    expect(Math.max(...v)).toBe(50);
    expect(v.indexOf(50)).toBe(Math.floor(0.42 * n));
    expect(Math.min(...v)).toBe(1);
  });
  test("hatches gaps, but not the tick that is still open", () => {
    const off = (a: number, b: number) => ({ from: new Date(a).toISOString(), to: new Date(b).toISOString(), state: "off" as const });
    const gaps = [off(from + hour, from + 2 * hour), off(c.to - 20_000, c.to)];
    expect(gapsOf({ ...c, spans: gaps }, 10_000)).toEqual([[from + hour, from + 2 * hour]]);
    expect(gapsOf({ ...c, spans: [off(c.to - hour, c.to)] }, 10_000)).toHaveLength(1);
  });
  test("holds a moved window within what there is, as long as it was", () => {
    const w: [number, number] = [from + 10 * hour, from + 20 * hour], hours = (x: [number, number]) => x.map((t) => (t - from) / hour);
    expect(hours(moved(c, w, from + 50 * hour))).toEqual([50, 60]);
    expect(hours(moved(c, w, from - 50 * hour))).toEqual([0, 10]);
    expect(hours(moved(c, w, from + 99 * hour))).toEqual([90, 100]);
    expect(hours(moved(c, [from, from + 500 * hour], from))).toEqual([0, 100]);
  });
  test("draws windows either way, of whole ticks, a minute at least", () => {
    expect(between(c, from + 3 * hour + 1, from + hour + 1, 10_000)).toEqual([from + hour, from + 3 * hour + 10_000]);
    expect(between(c, from + hour, from + hour + 1, 10_000)).toEqual([from + hour, from + hour + 60_000]);
    expect(between(c, from - hour, from + 900 * hour, 10_000)).toEqual([from, from + 100 * hour]);
  });
});
