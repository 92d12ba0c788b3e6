import { beforeAll, describe, expect, test, vi } from "vitest";
import type { Meta } from "../src/codec";

let stale: (m: Meta, now: number) => boolean;
beforeAll(async () => {
  vi.stubGlobal("addEventListener", () => {});
  ({ stale } = await import("../src/refresh"));
});

describe("a file that is no longer rewritten", () => {
  const written = "2026-11-17T14:00:00Z", at = Date.parse(written);
  test.each([[0, 9e9, false], [10, 30_000, false], [10, 61_000, true], [60, 300_000, false], [60, 361_000, true]])(
    "refresh %d s, %d ms old: %s", (refresh, age, want) => expect(stale({ refresh, written } as Meta, at + age)).toBe(want));
});
