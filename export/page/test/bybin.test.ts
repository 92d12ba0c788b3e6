import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byBin, Rolling, Trail } from "../src/bybin";
import { sum } from "../src/sums";
import { dataOf, type Row } from "./rows";

const bins = 40;
const rows: fc.Arbitrary<Row[]> = fc.uniqueArray(
  fc.record({ place: fc.nat(3), key: fc.nat(15), bin: fc.nat(bins - 1), packets: fc.integer({ min: 1, max: 2 ** 40 }), opens: fc.nat(5) }),
  { selector: (r) => `${r.place} ${r.key} ${r.bin}`, maxLength: 200 });
const stretch = fc.tuple(fc.nat(bins), fc.nat(bins)).map(([a, b]): [number, number] => (a < b ? [a, b] : [b, a]));
const selection = fc.record({ keys: fc.nat(0xffff), places: fc.option(fc.uint8Array({ minLength: 4, maxLength: 4, max: 1 }), { nil: undefined }) });
const numbers = (v: ReturnType<typeof sum>) => JSON.stringify(v, (_, x: unknown) => (x instanceof Float64Array ? Array.from(x) : x));

describe("rows by bin", () => {
  test("are all there, in order of time", () => {
    fc.assert(fc.property(rows, (list) => {
      const d = dataOf(list, { bins }), { order, start } = byBin(d.rows);
      expect(Array.from(order).sort((a, b) => a - b)).toEqual(list.map((_, i) => i));
      for (let b = 0; b + 1 < start.length; b++) for (let k = start[b]; k < start[b + 1]; k++) expect(d.rows.bin[order[k]]).toBe(b);
    }));
  });

  test("sum to what a pass over all rows does, wherever the stretch moves", () => {
    fc.assert(fc.property(rows, selection, fc.array(stretch, { minLength: 1, maxLength: 12 }), (list, chosen, moves) => {
      const d = dataOf(list, { bins }), rolling = new Rolling(d, byBin(d.rows), chosen.keys, chosen.places);
      for (const [from, to] of moves) {
        const want = sum(d, { ...chosen, from, to });
        expect(numbers(rolling.sums(from, to, want.series))).toBe(numbers(want));
      }
    }));
  });

  test("give away sums that later moves leave alone", () => {
    const d = dataOf([{ place: 0, key: 0, bin: 1, packets: 5 }, { place: 0, key: 0, bin: 2, packets: 7 }], { bins });
    const rolling = new Rolling(d, byBin(d.rows), 0xffff), series = { packets: new Float64Array(0), bytes: new Float64Array(0) };
    const first = rolling.sums(0, 2, series), second = rolling.sums(0, 3, series);
    expect([first.packets[0][0], second.packets[0][0], second.bytes[0][0]]).toEqual([5, 12, 1200]);
  });
});

describe("what the map shows of a step", () => {
  const d = dataOf([
    { place: 0, key: 0, bin: 4, packets: 1600 }, { place: 0, key: 1, bin: 4, packets: 100 }, { place: 0, key: 0, bin: 7, packets: 3 },
    { place: 1, key: 0, bin: 6, packets: 40 }, { place: 1, key: 0, bin: 7, packets: 30 }, { place: 2, key: 0, bin: 3, packets: 99 }, { place: 3, key: 2, bin: 7, packets: 8 },
  ], { bins });
  const index = byBin(d.rows), steps = [0, 1, 2, 3, 4, 5, 6, 7, 8], all = new Trail(d, index, "packets", 0xffff);

  test("are its amounts, and a fading trail of three steps that is never more than there was", () => {
    expect(Array.from(all.shown(steps))).toEqual([1700 / 64, 30, 0, 8]);
    expect(Array.from(all.shown(steps.slice(0, 6)))).toEqual([1700, 0, 99 / 4, 0]);
    expect(Array.from(all.shown(steps))).toEqual([1700 / 64, 30, 0, 8]);
  });
  test("follows the toggles", () => {
    expect(Array.from(new Trail(d, index, "packets", 0b0010).shown(steps))).toEqual([100 / 64, 0, 0, 0]);
    expect(Array.from(new Trail(d, index, "bytes", 0xffff, Uint8Array.of(0, 1, 0, 0)).shown(steps))).toEqual([0, 3000, 0, 0]);
  });
  test("has a scale for all steps: that of the one with the strongest spot", () => {
    expect(Array.from(all.strongest(steps))).toEqual([1700, 0, 0, 0]);
    expect(Array.from(all.strongest([5, 7, 8]))).toEqual([0, 40, 0, 0]);
    expect(Array.from(all.strongest([8, 9]))).toEqual([0, 0, 0, 0]);
  });
  test("is strongest where neighbours add up, not where one place is", () => {
    const near = dataOf([{ place: 0, key: 0, bin: 1, packets: 10 }, { place: 1, key: 0, bin: 2, packets: 6 }, { place: 2, key: 0, bin: 2, packets: 6 }], { bins });
    near.places.lat.set([50, -0.1, 0.1]);
    near.places.lon.set([10, 59.9, 60.1]);
    expect(Array.from(new Trail(near, byBin(near.rows), "packets", 0xffff).strongest([0, 1, 2, 3]))).toEqual([0, 6, 6, 0]);
  });
  test("is the same from the parts that are kept as from new ones", () => {
    fc.assert(fc.property(rows, selection, fc.array(fc.integer({ min: 1, max: bins }), { minLength: 1, maxLength: 30 }), (list, chosen, moves) => {
      const data = dataOf(list, { bins }), by = byBin(data.rows), edges = Array.from({ length: bins + 1 }, (_, i) => i);
      const kept = new Trail(data, by, "packets", chosen.keys, chosen.places);
      for (const n of moves) expect(kept.shown(edges.slice(0, n + 1))).toEqual(new Trail(data, by, "packets", chosen.keys, chosen.places).shown(edges.slice(0, n + 1)));
    }));
  });
});
