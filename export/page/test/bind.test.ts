// The URL follows what is shown, and what is shown follows the URL: neither may undo
// what the other just did.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as s from "../src/state";
import { bind } from "../src/url";

/** As much of a browser as a hash needs; hashchange comes when it is told to, as behind other work. */
const location = { hash: "", pathname: "/", search: "" };
let changed = () => {};

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("location", location);
  vi.stubGlobal("history", { replaceState: (_: unknown, __: string, url: string) => (location.hash = url.startsWith("#") ? url : "") });
  vi.stubGlobal("addEventListener", (_: string, heard: () => void) => (changed = heard));
});
afterEach(() => void (vi.useRealTimers(), vi.unstubAllGlobals()));

test("the URL is written behind a change, and a new one is not lost to one on its way", () => {
  bind();
  s.unit.value = "bytes";
  vi.advanceTimersByTime(200);
  expect(location.hash).toBe("#unit=bytes");

  s.direction.value = "in"; // to be written in a moment
  location.hash = "#filter=country:DE"; // but a link is followed first
  vi.advanceTimersByTime(200); // and its event comes late
  changed();
  expect([s.filter.value, s.unit.value, s.direction.value]).toEqual(["country:DE", "packets", "both"]);
  vi.advanceTimersByTime(200);
  expect(location.hash).toBe("#filter=country:DE");

  s.direction.value = "out"; // and goes on being written
  vi.advanceTimersByTime(200);
  expect(location.hash).toBe("#filter=country:DE&dir=out");
});
