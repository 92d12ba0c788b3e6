import { describe, expect, test } from "vitest";
import type { Meta } from "../src/codec";
import { coverageOf, proof } from "../src/proof";

const meta: Meta = {
  version: "1.2.3", sensor: "gw1", from: "2026-11-17T14:00:00Z", to: "2026-11-17T15:00:00Z", start: "2026-11-17T14:00:00Z", step: 10, drops: 0,
  totals: { packets: 1234, bytes: 99_000, twoPublic: 0, points: 7, located: 1200, unlocated: 34 },
  coverage: [{ from: "2026-11-17T14:00:00Z", to: "2026-11-17T14:30:00Z", state: "data" }, { from: "2026-11-17T14:30:00Z", to: "2026-11-17T15:00:00Z", state: "off" }],
  geo: [{ name: "GeoLite2-City", built: "2026-11-10T00:00:00Z", attribution: "by MaxMind", url: "https://www.maxmind.com" }, { name: "mine", url: "javascript:alert(1)" }],
  command: "packetheat export html -o FILE.html", detail: "places", written: "2026-11-17T15:00:03Z", note: "for the auditors",
};
const line = (what: string, change: Partial<Meta> = {}, live = false) => proof({ ...meta, ...change }, "utc", live).find((l) => l.what === what);

describe("the evidence", () => {
  test("says all that goes with a page", () => {
    expect(proof(meta, "utc", false).map((l) => l.what)).toEqual(["Note", "Program", "Sensor", "Window", "Filter", "Coverage", "Packets", "Dropped", "Located", "Places by", "Places by", "Map", "Time steps", "Carries", "Written", "Again by"]);
    expect(line("Window")!.text).toBe("Tue 17 Nov 2026 14:00 UTC to Tue 17 Nov 2026 15:00 UTC, 60 min (2026-11-17T14:00:00Z to 2026-11-17T15:00:00Z, the end not included)");
    expect(line("Places by")).toMatchObject({ text: "GeoLite2-City of 2026-11-10 (by MaxMind)", link: "https://www.maxmind.com" });
    expect(line("Carries")!.text).toContain("no address");
    expect(line("Written")!.text).toBe("Tue 17 Nov 2026 15:00:03 UTC");
  });

  test("a link is one to a site, or none", () => expect(proof(meta, "utc", false).filter((l) => l.link)).toHaveLength(1));

  test("losses are told as such", () => expect(line("Dropped", { drops: 12 })).toMatchObject({ loss: true, text: "12 packets were lost by the kernel before they could be read" }));

  test("live, nothing was written", () => expect(proof(meta, "utc", true).map((l) => l.what)).not.toContain("Written"));

  test.each<[string, Meta["coverage"], string]>([
    ["all", [{ from: meta.from, to: meta.to, state: "data" }], "the sensor was on all the time"],
    ["idle", [{ from: meta.from, to: "2026-11-17T14:10:00Z", state: "idle" }, { from: "2026-11-17T14:10:00Z", to: meta.to, state: "data" }], "the sensor was on all the time, without any packet for 10 min"],
    ["half", meta.coverage, "the sensor was on 50\u202f% of the time, and off for 30 min in 1 gap"], ["unknown", [], "not known"],
  ])("coverage: %s", (_, coverage, want) => expect(coverageOf({ ...meta, coverage })).toBe(want));
});
