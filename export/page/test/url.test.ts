import { describe, expect, test } from "vitest";
import { defaults, read, write, type State } from "../src/url";

describe("the hash", () => {
  test("is empty for the default", () => {
    expect(write(defaults)).toBe("");
    expect(read("")).toEqual(defaults);
  });

  test("carries every part of the state there and back", () => {
    const state: State = {
      protocol: 0b0101, direction: "in", unit: "bytes", brush: [Date.UTC(2026, 10, 17, 15), Date.UTC(2026, 10, 17, 15, 30)], filter: 'city:"New York" -port:53',
      tab: "network", selected: "52.5200,13.4050|DE|Land Berlin|Berlin", theme: "light", zone: "utc", view: { lat: 52.52, lon: 13.405, zoom: 8.5 }, last: "24h", clouds: false,
    };
    expect(read("#" + write(state))).toEqual(state);
    expect(write(state)).toContain("t=2026-11-17T15:00:00Z/2026-11-17T15:30:00Z");
  });

  test("no protocol at all survives", () => {
    expect(read(write({ ...defaults, protocol: 0 })).protocol).toBe(0);
  });

  test.each(["proto=", "t=x/y", "t=2026-01-02/2026-01-01", "view=1,2", "view=a,b,c", "view=1,2,-3", "theme=pink", "last=never", "tab=x", "dir=up", "unit=apples", "tz=mars", "clouds=no"])(
    "what it does not understand is the default: %s", (hash) => expect(read("#" + hash)).toEqual(defaults));
});
