import { beforeAll, describe, expect, test, vi } from "vitest";
import { readFileSync } from "node:fs";

vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {} }));

let v: typeof import("../src/vocabulary");
let model: typeof import("../src/model");
beforeAll(async () => {
  v = await import("../src/vocabulary");
  model = await import("../src/model");
  const { Dataset } = await import("../src/dataset"), { parse } = await import("../src/codec");
  model.dataset.value = new Dataset(parse(new Uint8Array(readFileSync(new URL("../testdata/vector.phcols", import.meta.url)))));
});

describe("the vocabulary", () => {
  test("has today's countries once each, those with data first", () => {
    const all = v.countries(model.dataset.value), here = v.countries(null);
    expect(all[0]).toEqual({ value: "FJ", name: "Fiji" });
    expect(here.filter((c) => c.name === "Germany")).toEqual([{ value: "DE", name: "Germany" }]);
    expect(new Set(here.map((c) => c.name)).size).toBe(here.length);
    expect(here.length).toBeGreaterThan(240);
    expect(here.length).toBeLessThan(275);
    expect(all.length).toBe(new Set([...here, ...all].map((c) => c.value)).size);
  });

  test("has what the file has", () => {
    const words = v.vocabulary();
    expect(words("city").map((c) => c.value)).toContain("Berlin");
    expect(words("asn")).toContainEqual({ value: "4294967295", name: "Deutsche Telekom AG" });
    expect(words("ip").map((i) => i.value)).toContain("2001:db8::1");
    expect(words("host").map((i) => i.value)).toEqual(expect.arrayContaining(["10.0.0.0/8", "2001:db8::1"]));
    expect(words("label").map((l) => l.value)).toEqual(v.labels());
    expect(words("port")).toContainEqual({ value: "443", name: "https 443" });
    expect(words("sensor").length).toBe(1);
    expect(words("place")).toEqual([]);
  });
});
