import { describe, expect, test } from "vitest";
import { Camera, kinds, rad, worldScale } from "../src/projection";
import { cityCandidate, countryCandidates, overlap, place, type Candidate } from "../src/map/labels";

const bounds = { x: 0, y: 0, w: 400, h: 300 };
const at = (text: string, x: number, y: number): Candidate => ({ text, width: 50, spots: [[x, y]], city: false, at: [0, 0] });
const free = () => true;

describe("labels", () => {
  test("never collide: the first of the list wins", () => {
    const out = place([at("a", 100, 100), at("b", 110, 104), at("c", 100, 130)], bounds, free, 10);
    expect(out.map((l) => l.text)).toEqual(["a", "c"]);
    expect(overlap(out[0], out[1])).toBe(false);
  });

  test("take another spot when the first is taken or hot", () => {
    const two = { ...at("b", 100, 100), spots: [[100, 100], [100, 140]] as [number, number][] };
    expect(place([at("a", 100, 100), two], bounds, free, 10)[1].y).toBeGreaterThan(130);
    const cold = place([two], bounds, (r) => r.y > 120, 10);
    expect(cold).toHaveLength(1);
    expect(cold[0].y).toBeGreaterThan(120);
    expect(place([two], bounds, () => false, 10)).toEqual([]);
  });

  test("stay on the map, and are not more than asked for", () => {
    expect(place([at("a", 10, 100), at("b", 200, 298)], bounds, free, 10)).toEqual([]);
    expect(place([at("a", 100, 50), at("b", 100, 100)], bounds, free, 1)).toHaveLength(1);
  });

  test.each(kinds)("a country's name is shown where the country is wide enough: %s", (kind) => {
    const labels = [
      { code: "RU", name: "Russia", lon: 1.6, lat: 1, width: 2 },
      { code: "PM", name: "St. Pierre & Miquelon", lon: 1.6, lat: 0.9, width: 0.008 },
    ];
    const names = (k: number) => countryCandidates(labels, new Camera(kind, 1.6, 0.9, k, 400, 300), bounds, (s) => 7 * s.length).map((c) => c.text);
    expect(names(60)).toEqual(["Russia"]);
    expect(names(30_000)).toContain("St. Pierre & Miquelon");
  });

  test("a city's name never covers its own spot", () => {
    const c = cityCandidate("Berlin", 40, 100, 100, 5);
    for (const [x, y] of c.spots) expect(overlap({ x: x - 20, y: y - 7, w: 40, h: 14 }, { x: 97, y: 97, w: 6, h: 6 })).toBe(false);
  });

  test("names behind the globe, or at a slant, are left out", () => {
    const labels = [{ code: "FJ", name: "Fiji", lon: 178 * rad, lat: -17 * rad, width: 1 }];
    const names = (lon: number) => countryCandidates(labels, new Camera("globe", lon * rad, 0, worldScale("globe", 400, 300), 400, 300), bounds, (s) => 7 * s.length);
    expect([names(178), names(100), names(0)].map((l) => l.length)).toEqual([1, 0, 0]);
  });
});
