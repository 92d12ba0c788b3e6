import { describe, expect, test } from "vitest";
import type { Columns } from "../src/codec";
import { gather, wanted } from "../src/finer";
import { sum } from "../src/sums";
import { dataOf, start, type Row } from "./rows";

const minute = 60_000, hour = 60 * minute;

/** A sensor whose answers have few rows: longer stretches come in longer steps, as in Go. */
function sensor(rows: Row[], most: number) {
  const asked: [number, number][] = [];
  const ask = async (from: number, to: number, step: number): Promise<Columns> => {
    asked.push([from, to]);
    for (const by of [step, 10 * minute, hour]) {
      if (by < step || (by >= to - from && by !== step)) continue;
      const begin = Math.floor(from / by) * by, sums = new Map<string, Row>();
      for (const r of rows) {
        const t = start + r.bin * 10_000;
        if (t < from || t >= to) continue;
        const bin = Math.floor((t - begin) / by), id = `${r.place} ${r.key} ${bin}`, had = sums.get(id);
        sums.set(id, { ...r, bin, packets: r.packets + (had?.packets ?? 0) });
      }
      if (sums.size <= most) return columns([...sums.values()], by, begin, from, to);
    }
    const whole = rows.filter((r) => start + r.bin * 10_000 >= from && start + r.bin * 10_000 < to).map((r) => ({ ...r, bin: 0 }));
    return columns(whole, to - from, from, from, to);
  };
  return { asked, ask };
}

function columns(rows: Row[], step: number, begin: number, from: number, to: number): Columns {
  const d = dataOf(rows, { step: step / 1000, from: begin });
  return { meta: { ...d.meta, from: new Date(from).toISOString(), to: new Date(to).toISOString() }, places: d.places, rows: d.rows, details: d.details };
}

const rows: Row[] = Array.from({ length: 3000 }, (_, i) => ({ place: i % 4, key: (i * 7) % 8, bin: (i * 37) % 1080, packets: 1 + (i % 9) }));

describe("finer steps", () => {
  test.each([[100_000, 8], [30, 15], [6, 50]])("of three hours, from a sensor that sends %i rows", async (most, least) => {
    const { ask, asked } = sensor(rows, most), coarse = dataOf([], { bins: 1, step: 3 * 3600 });
    const from = start + 5 * minute, to = start + 3 * hour, shares: number[] = [];
    const d = (await gather(coarse, from, to, 3 * minute, ask, (x) => shares.push(x)))!;
    expect(d.step).toBe(3 * minute);
    expect(asked.length).toBeGreaterThanOrEqual(least);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    const want = new Float64Array(59); // the first begins at 14:03
    for (const r of rows) if (r.bin >= 30) want[Math.floor((r.bin - 18) / 18)] += r.packets;
    expect(sum(d, { keys: 0xffff, from: 0, to: 59 }).series.packets).toEqual(want);
  });

  test("are wanted where there are few, and could be more", () => {
    const day = dataOf([], { bins: 24, step: 3600 }), one = dataOf([], { bins: 1, step: 86_400 });
    for (const d of [day, one]) d.meta.tick = 10;
    expect(wanted(day, day.from, day.to)).toBe(0);
    expect(wanted(day, day.from, day.from + 5 * hour)).toBe(5 * minute);
    expect(wanted(one, one.from, one.to)).toBe(20 * minute);
    const short = dataOf([], { bins: 12 });
    short.meta.tick = 10;
    expect(wanted(short, short.from, short.to)).toBe(0);
  });
});
