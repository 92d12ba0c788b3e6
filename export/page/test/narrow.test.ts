// However narrow a column is, it must hold what a column of eight bytes would.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Rows } from "../src/codec";
import { Dataset } from "../src/dataset";
import { largest, limit, roomy, zeros, type Whole } from "../src/narrow";
import { sum } from "../src/sums";
import { answer, start, type Stored } from "./stored";

/** The numbers on both sides of each kind's limit. */
const limits = [0, 1, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];
const amount = fc.oneof(fc.constantFrom(...limits), fc.nat(300), fc.nat(70_000), fc.maxSafeNat());
const widths = [[255, 1], [256, 2], [65_535, 2], [65_536, 4], [2 ** 32 - 1, 4], [2 ** 32, 8], [Number.MAX_SAFE_INTEGER, 8]];

/** Numbers in as narrow a column as they fit in. */
function fitted(list: number[]): Whole {
  const a = zeros(list.length, Math.max(0, ...list));
  a.set(list);
  return a;
}

describe("a column", () => {
  test.each(widths)("for numbers up to %d has %d bytes each, and keeps it", (most, bytes) => {
    const a = zeros(1, most);
    expect(a.BYTES_PER_ELEMENT).toBe(bytes);
    expect(limit(a)).toBeGreaterThanOrEqual(most);
    a[0] = most;
    expect(a[0]).toBe(most);
  });

  test("knows the largest of its numbers", () => {
    fc.assert(fc.property(fc.array(amount), (list) => {
      const a = fitted(list);
      expect(Array.from(a)).toEqual(list);
      expect(largest(a)).toBe(Math.max(0, ...list));
    }));
  });

  test("grows and widens without losing a number", () => {
    fc.assert(fc.property(fc.array(amount, { maxLength: 300 }), (list) => {
      let a: Whole = new Uint8Array(0), copies = 0;
      list.forEach((v, i) => {
        const b = roomy(a, i + 1, v);
        if (b !== a) copies++;
        (a = b)[i] = v;
      });
      expect(Array.from(a.subarray(0, list.length))).toEqual(list);
      expect(a.length).toBeLessThanOrEqual(Math.max(64, 1.25 * list.length));
      expect(copies).toBeLessThan(16); // not one a number
    }));
  });

  test("that fits is left alone; what it held decides, too", () => {
    const a = zeros(10, 70_000);
    expect(roomy(a, 10, 5)).toBe(a);
    expect(roomy(a, 11, 5)).toBeInstanceOf(Uint32Array);
    expect(roomy(zeros(10, 5), 10, 256)).toHaveLength(10);
  });
});

describe("a dataset", () => {
  const stored = fc.array(fc.record({ second: fc.nat(29).map((n) => 10 * n), place: fc.integer({ min: 1, max: 5 }), packets: fc.oneof(fc.constantFrom(...limits), fc.nat(300)) }), { maxLength: 20 });
  /** The same rows in columns of eight bytes, which nothing outgrows. */
  const wide = (r: Rows): Rows => ({ ...r, place: Float64Array.from(r.place), bin: Float64Array.from(r.bin), packets: Float64Array.from(r.packets), bytes: Float64Array.from(r.bytes), opens: Float64Array.from(r.opens) });
  const small = (r: Rows): Rows => Object.fromEntries(Object.entries(r).map(([k, v]) => [k, typeof v === "number" || k === "key" ? v : fitted(Array.from((v as Whole).subarray(0, r.n)))])) as unknown as Rows;
  const used = (d: Dataset) => Object.fromEntries(Object.entries(d.rows).map(([k, v]) => [k, typeof v === "number" ? v : Array.from((v as Whole).subarray(0, d.rows.n))]));

  test("is the same in narrow columns, whatever larger rows replace some", () => {
    fc.assert(fc.property(stored, fc.array(fc.tuple(fc.nat(29), stored), { maxLength: 6 }), fc.constantFrom(10, 60), (first, later, step) => {
      const made = (rows: (r: Rows) => Rows) => {
        const told = (list: Stored[], from: number, to: number) => {
          const c = answer(list, from, to, 10);
          c.rows.bytes = Float64Array.from(c.rows.packets); // up to the limits, not beyond
          c.rows.opens = c.rows.bytes.slice().reverse();
          return { ...c, rows: rows(c.rows) };
        };
        const d = new Dataset({ ...told(first, 0, 300), meta: answer(first, 0, 300, step).meta });
        for (const [bin, list] of later) {
          const [a, b] = d.whole([start + 10_000 * bin, start + 10_000 * (bin + 1)]);
          d.replace(told(list, (a - start) / 1000, (b - start) / 1000), a, b);
        }
        d.countWindow();
        return d;
      };
      const d = made(small), e = made(wide), all = { keys: 0xffff, from: 0, to: 30 };
      expect(used(d)).toEqual(used(e));
      expect(d.meta.totals).toEqual(e.meta.totals);
      expect(sum(d, all)).toEqual(sum(e, all));
    }));
  });

  test("of more than 256 places names the last of them right", () => {
    const few = answer([{ second: 0, place: 1, packets: 1 }], 0, 300, 10), d = new Dataset({ ...few, rows: small(few.rows) });
    expect(d.rows.place).toBeInstanceOf(Uint8Array);
    d.append(answer(Array.from({ length: 300 }, (_, i) => ({ second: 10, place: i + 2, packets: 1 })), 0, 300, 10));
    expect(new Set(Array.from(d.rows.place.subarray(0, d.rows.n), (p) => d.places.city[p])).size).toBe(301);
  });

  test("of more than 256 steps keeps the last of them", () => {
    const few = answer([{ second: 0, place: 1, packets: 1 }], 0, 300, 10), d = new Dataset({ ...few, rows: small(few.rows) });
    d.append(answer([{ second: 10_000_000, place: 1, packets: 1 }], 9_999_990, 10_000_010, 10));
    expect(d.rows.bin[1]).toBe(1_000_000);
  });
});
