import { readFileSync } from "node:fs";
import { beforeAll, expect, test, vi } from "vitest";

// Signals ask the browser for its theme.
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {} }));

let m: typeof import("../src/measure"), model: typeof import("../src/model"), s: typeof import("../src/state");
let d: import("../src/dataset").Dataset;

beforeAll(async () => {
  m = await import("../src/measure");
  model = await import("../src/model");
  s = await import("../src/state");
  const { Dataset } = await import("../src/dataset"), { parse } = await import("../src/codec");
  d = new Dataset(parse(new Uint8Array(readFileSync(new URL("../testdata/vector.phcols", import.meta.url)))));
  model.dataset.value = d;
});

const plain = (t: string) => t.replaceAll("\u202f", " ");

test("numbers are said in their measure", () => {
  expect([m.say(12_345, "packets"), m.say(9.1e9, "bytes"), m.say(1.5e6, "bits"), m.say(900, "bits"), m.say(7, "addresses")].map(plain)).toEqual(["12.3 k", "9.1 GB", "1.5 Mbit/s", "900 bit/s", "7"]);
});

test("bits a second are bytes over the time in which the sensor ran", () => {
  s.unit.value = "bytes";
  s.by.value = "amount";
  const bytes = m.weighing.value.weights.slice();
  s.by.value = "rate";
  expect(m.measure.value).toBe("bits");
  const [from, to] = model.selectedTime.value, off = d.gaps().reduce((n, [a, b]) => n + Math.max(0, Math.min(b, to) - Math.max(a, from)), 0);
  const { weights, rate } = m.weighing.value;
  expect(rate).toBeCloseTo(8000 / (to - from - off), 9);
  expect(Array.from(weights)).toEqual(Array.from(bytes, (v) => v * rate));
  s.unit.value = "packets";
  expect(m.measure.value).toBe("packets");
  s.by.value = "amount";
});

test("addresses are counted once a place, whatever their protocols and directions", () => {
  const t = d.details, mine = m.distinct(t, d.places.n, 0xffff), sets = new Map<number, Set<string>>();
  for (let i = 0; i < t.n; i++) if (t.kind[i] === 0) sets.set(t.place[i], (sets.get(t.place[i]) ?? new Set()).add(t.name[i]));
  expect(sets.size).toBeGreaterThan(0);
  for (let p = 0; p < d.places.n; p++) expect(mine[p]).toBe(sets.get(p)?.size ?? 0);
  expect(m.distinct(t, d.places.n, 0)).toEqual(new Float64Array(d.places.n));
  s.by.value = "addresses";
  expect(Array.from(m.weighing.value.weights)).toEqual(Array.from(mine));
  s.split.value = true;
  expect(m.measure.value).toBe("packets"); // half-discs are of traffic
  s.split.value = false;
  s.by.value = "amount";
});
