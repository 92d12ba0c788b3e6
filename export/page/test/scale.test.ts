import { describe, expect, test } from "vitest";
import { changeRamps, gradient, palettes, ramp } from "../src/ramp";
import { fitScale, position, snapDown, snapUp, ticks } from "../src/scale";

describe("scale", () => {
  test.each([[1, 1, 1], [1.01, 1, 2], [3, 2, 5], [7, 5, 10], [10, 10, 10], [999, 500, 1000], [1000, 1000, 1000], [324_600, 200_000, 500_000], [2e9, 2e9, 2e9], [0, 1, 1]])(
    "%d snaps to %d and %d", (v, down, up) => {
      expect(snapDown(v)).toBeCloseTo(down, 6);
      expect(snapUp(v)).toBeCloseTo(up, 6);
    });

  test("limits hold what is there", () => {
    expect(fitScale(3, 4711)).toEqual({ low: 2, high: 5000 });
    expect(fitScale(1, 1e12).low).toBe(1e6); // six decades
    expect(fitScale(3, 17)).toEqual({ low: 1, high: 20 }); // no half of an address
    expect(fitScale(0.003, 0.2)).toEqual({ low: 0.002, high: 0.2 }); // but bits a second
    expect(position(fitScale(1202, 1202), 1202)).toBeGreaterThan(0.8); // one place alone glows
  });

  test("position is logarithmic and held", () => {
    const s = { low: 10, high: 1000 };
    expect([1, 10, 100, 1000, 1e9].map((v) => position(s, v))).toEqual([0, 0, 0.5, 1, 1]);
  });

  test("ticks are round, sorted, and apart", () => {
    for (const [low, high] of [[1, 500_000], [5, 5e6], [1, 10], [200, 1e7], [2, 5], [1e3, 1e9]]) {
      const t = ticks({ low, high });
      expect(t[0]).toBe(low);
      expect(t.at(-1)).toBe(high);
      for (let i = 1; i < t.length; i++) expect(position({ low, high }, t[i]) - position({ low, high }, t[i - 1])).toBeGreaterThan(0.2);
    }
    expect(ticks({ low: 1, high: 500_000 })).toEqual([1, 100, 10_000, 500_000]);
  });
});

/** Relative luminance (WCAG). */
function luminance(r: number, g: number, b: number): number {
  const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
}

describe("ramp", () => {
  const all = palettes.flatMap((p) => [["dark", p, 1], ["light", p, -1]] as const);
  test.each(all)("%s %s runs one way in brightness, so that it reads in grey", (theme, palette, way) => {
    const t = ramp(theme, palette);
    let before = -way;
    for (let i = 0; i < 256; i++) {
      const l = luminance(t[4 * i], t[4 * i + 1], t[4 * i + 2]);
      expect((l - before) * way).toBeGreaterThan(-0.004);
      before = l;
    }
    expect(gradient(t)).toMatch(/^linear-gradient\(to right, rgb\(\d+ \d+ \d+\)/);
  });

  test.each(["dark", "light"] as const)("%s change runs away from the middle on both sides, purple here and green there", (theme) => {
    const { less, more } = changeRamps(theme), way = theme === "dark" ? 1 : -1;
    for (const t of [less, more]) expect((luminance(t[4 * 255], t[4 * 255 + 1], t[4 * 255 + 2]) - luminance(t[0], t[1], t[2])) * way).toBeGreaterThan(0.2);
    for (let i = 40; i < 250; i += 10) {
      expect(less[4 * i + 1]).toBeLessThan(less[4 * i + 2]); // more blue than green
      expect(more[4 * i + 1]).toBeGreaterThan(more[4 * i + 2]);
    }
  });
});
