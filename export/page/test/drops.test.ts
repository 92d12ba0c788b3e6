import { describe, expect, test } from "vitest";
import type { Dataset } from "../src/dataset";
import { dropsIn } from "../src/drops";

const t = (m: number) => Date.UTC(2026, 10, 17, 14, m), time = (m: number) => new Date(t(m)).toISOString();
const d = { from: t(0), to: t(60), meta: { drops: 12, coverage: [
  { from: time(0), to: time(10), state: "data", drops: 5 }, { from: time(10), to: time(50), state: "data" }, { from: time(50), to: time(60), state: "data", drops: 7 },
] } } as unknown as Dataset;

describe("what the kernel lost", () => {
  test.each<[string, number, number, object]>([
    ["in the whole window", 0, 60, { n: 12 }], ["in a part without loss", 10, 50, { n: 0 }],
    ["in a part with a whole span", 0, 30, { n: 5 }], ["where a span sticks out, at most", 5, 30, { n: 5, most: true }], ["beside a span", 10, 20, { n: 0 }],
  ])("%s", (_, from, to, want) => expect(dropsIn(d, t(from), t(to))).toEqual(want));
});
