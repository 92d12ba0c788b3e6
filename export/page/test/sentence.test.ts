import { describe, expect, test } from "vitest";
import { longest, pieces, plain, type Piece, type Said } from "../src/sentence";

const from = Date.UTC(2026, 10, 17, 15), said: Said = {
  from, to: from + 1_800_000, zone: "utc", blank: false, part: false, drops: { n: 0 },
  totals: { packets: 12_400_000, bytes: 9.1e9, twoPublic: 0, points: 1, located: 0, unlocated: 0 }, sums: { totalPackets: 12_400_000, totalBytes: 9.1e9, countries: 43, unlocated: 248_000, coarse: 0 },
};
const spoken = (change: Partial<Said>) => pieces({ ...said, ...change }).map(plain).map((t) => t.replaceAll("\u202f", " "));

describe("row 1", () => {
  test("is the answer", () => expect(spoken({})).toEqual(["Tue 17 Nov 15:00–15:30 UTC", "12.4 M packets, 9.1 GB", "43 countries", "98 % located", "0 dropped"]));

  test("of a part says of how much", () =>
    expect(spoken({ part: true, sums: { totalPackets: 5000, totalBytes: 4e5, countries: 1, unlocated: 0, coarse: 0 } })).toEqual(["Tue 17 Nov 15:00–15:30 UTC", "5,000 of 12.4 M packets, 400 kB", "1 country", "100 % located", "0 dropped"]));

  test("counts ends where packets are on the map twice", () => {
    const totals = { ...said.totals, twoPublic: 1_240_000 };
    expect(spoken({ totals })[2]).toBe("10 % on the map at both ends");
    expect(spoken({ totals, part: true, sums: { ...said.sums, totalPackets: 7 } })[1]).toBe("7 of 12.4 M endpoint-packets, 9.1 GB");
  });

  test("never takes a gap for zero", () => expect(spoken({ blank: true })).toEqual(["Tue 17 Nov 15:00–15:30 UTC", "no data: the sensor was off"]));

  test("marks losses", () => expect(pieces({ ...said, drops: { n: 5 } }).at(-1)!.runs).toEqual([["5 dropped", "loss"]]));

  test("says of losses that may be of another time that they are that many at most", () => {
    expect(spoken({ drops: { n: 5, most: true } }).at(-1)).toBe("up to 5 dropped");
    expect(spoken({ drops: { n: 0, most: true } }).at(-1)).toBe("0 dropped");
  });

  test("says of how many the country is all that is known, to who points at it", () => {
    const sums = { ...said.sums, coarse: 1_240_000 };
    expect(spoken({ sums })[3]).toBe("98 % located");
    expect(pieces({ ...said, sums })[3].title).toBe("12,152,000 of 12,400,000 packets have a place; of 1,240,000 it is known to the country only");
  });

  test("keeps room for whatever a filter makes of it", () => {
    const chars = (list: Piece[]) => list.map(plain).join(" · ").length;
    for (const twoPublic of [0, 400_000]) {
      const now = { ...said, totals: { ...said.totals, twoPublic } }, [all, part] = longest(now).map(chars);
      expect(all).toBeGreaterThanOrEqual(chars(pieces(now)));
      for (const n of [1, 999, 1_111, 99_900, 1_240_000, 12_300_000]) {
        const sums = { ...said.sums, totalPackets: n, totalBytes: 999 * n, unlocated: 0 };
        expect(part).toBeGreaterThanOrEqual(chars(pieces({ ...now, part: true, sums })));
      }
    }
  });

  test("without packets has no share", () => expect(spoken({ totals: { ...said.totals, packets: 0, bytes: 0 }, sums: { totalPackets: 0, totalBytes: 0, countries: 0, unlocated: 0, coarse: 0 } })).toEqual(["Tue 17 Nov 15:00–15:30 UTC", "0 packets, 0 B", "0 countries", "0 dropped"]));
});
