// A live window is kept by replacing bins. Whatever order commits are told in, and
// however often, it must be what a fresh answer would be.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Span } from "../src/codec";
import { Dataset } from "../src/dataset";
import { answer, start, time } from "./stored";

/** Packets by city and bin, within the window. */
function sums(d: Dataset): Record<string, number> {
  const [first, end] = d.bins(), out: Record<string, number> = {};
  for (let i = 0; i < d.rows.n; i++) {
    const key = `${d.places.city[d.rows.place[i]]} ${time((d.timeOf(d.rows.bin[i]) - start) / 1000)}`;
    if (d.rows.bin[i] >= first && d.rows.bin[i] < end) out[key] = (out[key] ?? 0) + d.rows.packets[i];
  }
  return out;
}

const tick = 10, length = 300;
const point = fc.record({ second: fc.integer({ min: 0, max: 59 }).map((n) => n * tick), place: fc.integer({ min: 1, max: 9 }), packets: fc.integer({ min: 10, max: 999 }) });

describe("a window that is kept live", () => {
  test("is what a fresh answer would be, however its ticks are told", () => {
    fc.assert(fc.property(fc.array(point, { maxLength: 40 }), fc.array(fc.nat(59), { maxLength: 30 }), fc.constantFrom(10, 60), (all, told, step) => {
      const stored = all.filter((p) => p.second < length), d = new Dataset(answer(stored, 0, length, step));
      // Commits come: each brings its points into the store, some late, some told again.
      let end = length;
      for (const n of told) {
        const second = n * tick;
        stored.push(...all.filter((p) => p.second === second && !stored.includes(p)));
        const [a, b] = d.whole([start + 1000 * second, start + 1000 * (second + tick)]);
        if (b <= a) continue;
        d.replace(answer(stored, (a - start) / 1000, (b - start) / 1000, tick), a, b);
        if (second + tick > end) {
          end = second + tick;
          d.move(Math.max(d.from, d.timeOf(Math.floor((start + 1000 * (end - length) - d.start) / d.step))), start + 1000 * end);
        }
      }
      const from = (d.from - start) / 1000;
      expect(from % step).toBe(0);
      expect(end - from).toBeGreaterThanOrEqual(length);
      expect(sums(d)).toEqual(sums(new Dataset(answer(stored, from, end, step))));
    }));
  });

  test("lets go of what has left it", () => {
    const d = new Dataset(answer([{ second: 0, place: 1, packets: 10 }, { second: 290, place: 2, packets: 20 }], 0, 300, 10));
    d.move(start + 10_000, start + 310_000);
    d.replace(answer([], 300, 310, 10), start + 300_000, start + 310_000);
    expect(d.rows.n).toBe(1);
  });

  test("keeps coverage and losses of each stretch once", () => {
    const lossy: Span[] = [{ from: time(0), to: time(100), state: "data" }, { from: time(100), to: time(110), state: "data", drops: 5 }, { from: time(110), to: time(300), state: "off" }];
    const d = new Dataset(answer([], 0, 300, 10, lossy)), at = (s: number) => start + 1000 * s;
    d.replace(answer([], 110, 120, 10, [{ from: time(110), to: time(120), state: "data", drops: 2 }]), at(110), at(120));
    expect(d.meta.drops).toBe(7);
    expect(d.gaps()).toEqual([[at(120), at(300)]]);
    d.replace(answer([], 100, 120, 10, [{ from: time(100), to: time(120), state: "data", drops: 9 }]), at(100), at(120)); // late news of both
    expect(d.meta.drops).toBe(9);
    d.move(at(120), at(300));
    expect(d.meta.drops).toBe(0);
    expect(d.meta.coverage!.map((c) => [c.from, c.to, c.state])).toEqual([[time(120), time(300), "off"]]);
  });

  test("a stretch in the middle of a span cuts it", () => {
    const d = new Dataset(answer([], 0, 300, 10, [{ from: time(0), to: time(300), state: "off", drops: 3 }])), at = (s: number) => start + 1000 * s;
    d.replace(answer([], 100, 110, 10, [{ from: time(100), to: time(110), state: "data" }]), at(100), at(110));
    expect(d.gaps()).toEqual([[at(0), at(100)], [at(110), at(300)]]);
    expect(d.meta.drops).toBe(3);
  });
});
