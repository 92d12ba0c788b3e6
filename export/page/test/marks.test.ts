import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { parse } from "../src/codec";
import { Dataset } from "../src/dataset";
import { packed } from "../src/generated/world";
import { makeArcs } from "../src/map/arcs";
import { colourChange } from "../src/map/change";
import { scaleOf, extent } from "../src/map/fitting";
import { clusters, largest, radiusOf, samples } from "../src/map/halves";
import { inside, nearest } from "../src/map/picking";
import { heated, hollow, Spots } from "../src/map/spots";
import { anycastPlaces, placesIn, ringed, tinted } from "../src/map/tint";
import { add, blur, newGrid } from "../src/heat";
import { Camera, rad, worldScale } from "../src/projection";
import { changeRamps, ramp } from "../src/ramp";
import { unpack } from "../src/world";

const world = unpack(gunzipSync(Buffer.from(packed, "base64")));
const golden = () => new Dataset(parse(new Uint8Array(readFileSync(new URL("../testdata/vector.phcols", import.meta.url)))));

/** Spots at pixels, all of them heat. */
function at(...points: [number, number][]): Spots {
  return Object.assign(new Spots(), {
    n: points.length, x: Float32Array.from(points, (p) => p[0]), y: Float32Array.from(points, (p) => p[1]),
    lon: Float64Array.from(points, (p) => p[0] * rad), lat: Float64Array.from(points, (p) => p[1] * rad), how: new Uint8Array(points.length).fill(heated),
  });
}

describe("half-discs", () => {
  const scale = { low: 1, high: 1000 }, width = 960;

  test("have the amounts as areas, and are never too small to see", () => {
    expect(radiusOf(1000, scale, width)).toBeCloseTo(largest(width), 9);
    expect(radiusOf(250, scale, width) ** 2 / radiusOf(1000, scale, width) ** 2).toBeCloseTo(0.25, 9);
    expect(radiusOf(0.001, scale, width)).toBeGreaterThan(1);
    expect(radiusOf(0, scale, width)).toBe(0);
  });

  test("neighbours are one, sums are kept, the heaviest names it, and the largest is drawn first", () => {
    const spots = at([100, 100], [106, 103], [300, 200]);
    const discs = clusters(spots, [1, 0, 2], [Float64Array.of(1, 10, 100), Float64Array.of(5, 0, 7)], 2, scale, width);
    expect(discs.map((d) => [d.place, d.in, d.out])).toEqual([[2, 200, 14], [1, 22, 10]]);
    expect(clusters(at([100, 100], [130, 103]), [0, 1], [new Float64Array(2), new Float64Array(2)], 1, scale, width)).toHaveLength(2);
  });

  test("in the legend are of round amounts", () => expect(samples({ low: 5, high: 50_000 })).toEqual([50_000, 5000, 500]));
});

describe("a pointer", () => {
  const spots = at([100, 100], [108, 100], [300, 200], [NaN, NaN]), weights = Float64Array.of(1, 1e6, 5, 9);
  test("finds the nearest mark; in a glow, what makes it glow", () => {
    expect(nearest(spots, [1, 2, 0], weights, true, 101, 100, 14)).toBe(0);
    expect(nearest(spots, [1, 2, 0], weights, false, 101, 100, 14)).toBe(1);
    expect(nearest(spots, [1, 2, 0, 3], weights, false, 200, 100, 14)).toBe(-1);
  });
  test("and a rectangle have what is in them, in the same order", () => {
    expect(inside(spots, [3, 2, 1, 0], { x: 90, y: 90, w: 30, h: 30 })).toEqual([1, 0]);
  });
});

describe("countries that are all one knows", () => {
  const d = golden(), spots = new Spots(), camera = new Camera("equal-earth", 0, 0, worldScale("equal-earth", 900, 500), 900, 500);
  spots.update(d, world);
  spots.look(camera);
  const brazil = d.places.country.indexOf("BR");

  test("are found by any point in them", () => {
    expect(spots.how[brazil]).toBe(hollow);
    expect(tinted(world, d.places, [0, brazil], spots, [-55 * rad, -10 * rad])).toBe(brazil);
    expect(tinted(world, d.places, [brazil], spots, [10 * rad, 50 * rad])).toBe(-1);
  });

  test("have a ring only where they are too small to be hatched", () => {
    expect(ringed(world, d.places, [brazil], spots, camera, new Set())).toEqual([]);
    const places = { ...d.places, country: d.places.country.map((c) => (c === "BR" ? "SG" : c)) };
    expect(ringed(world, places, [brazil], spots, camera, new Set())).toEqual([brazil]);
  });
});

test("anycast networks have a ring, as far as addresses are named", () => {
  const d = golden(), spots = new Spots(), t = d.details, camera = new Camera("equal-earth", 0, 0, worldScale("equal-earth", 900, 500), 900, 500);
  spots.update(d, world);
  spots.look(camera);
  expect(anycastPlaces(d).size).toBe(0);
  d.meta = { ...d.meta, labels: ["cloud", "anycast"] };
  const brazil = d.places.country.indexOf("BR"), one = t.kind.indexOf(0);
  t.labels.fill(1);
  t.labels[one] = 2;
  t.place[one] = brazil;
  expect([...anycastPlaces(d)]).toEqual([brazil]);
  expect(ringed(world, d.places, [brazil], spots, camera, anycastPlaces(d))).toEqual([brazil]);
  // Live, the sensor says in which countries such addresses are registered: those without coordinates there.
  expect([...placesIn(d, new Set(["BR", "DE"]))]).toEqual([brazil]);
  expect(placesIn(d, new Set()).size).toBe(0);
});

test("arcs lead along great circles to the heaviest places that are known, fifty at most", () => {
  const spots = at(...Array.from({ length: 80 }, (_, i): [number, number] => [i - 120, 40]));
  spots.how[0] = hollow;
  const order = Array.from({ length: 80 }, (_, i) => i), arcs = makeArcs({ latitude: 50, longitude: 10 }, spots, order, Float64Array.from(order, (i) => 100 - i));
  expect(arcs).toHaveLength(50);
  expect(arcs[0].weight).toBe(99);
  const { lon, lat, n } = arcs[0].shape;
  expect([lon[0] / rad, lat[0] / rad, lon[n - 1] / rad, lat[n - 1] / rad]).toEqual([10, 50, -119, 40].map((v) => expect.closeTo(v, 6)));
  expect(Math.max(...lat) / rad).toBeGreaterThan(65); // over Greenland
});

describe("change", () => {
  const g = newGrid(200, 100), out = new Uint8ClampedArray(4 * g.values.length), tables = changeRamps("dark");
  add(g, 50, 50, 500);
  add(g, 150, 50, -500);
  add(g, 100, 20, 0.001);
  blur(g, 4);
  colourChange(tables)(g, { low: 1, high: 1000 }, ramp("dark"), out);
  const pixel = (x: number, y: number) => Array.from(out.subarray(4 * ((y / 2) * g.width + x / 2), 4 * ((y / 2) * g.width + x / 2) + 4));

  test("is green where it grew, purple where it shrank, bare where nothing happened", () => {
    const grown = pixel(50, 50), shrunk = pixel(150, 50);
    expect(grown[1]).toBeGreaterThan(grown[0]);
    expect(grown[1]).toBeGreaterThan(grown[2]);
    expect(shrunk[2]).toBeGreaterThan(shrunk[1]);
    expect(grown[3]).toBe(shrunk[3]);
    expect([pixel(100, 20)[3], pixel(100, 96)[3]]).toEqual([0, 0]);
  });
});

describe("the scale", () => {
  test("holds the strongest spot, from places that are heat", () => {
    const spots = at([0, 0], [5, 5], [9, 9]);
    spots.how[2] = hollow;
    expect(scaleOf(spots, Float64Array.of(3, 700, 1e6), () => 900)).toEqual({ low: 2, high: 1000 });
    expect(scaleOf(spots, Float64Array.of(0, 0, 1e6), () => 0)).toEqual({ low: 1e4, high: 1e6 });
    expect(scaleOf(spots, new Float64Array(3), () => 0)).toBeNull();
  });

  test("and the view are of places that have rows", () => {
    const d = golden(), spots = new Spots();
    spots.update(d, world);
    const b = extent(d, spots)!;
    expect(b.north).toBeGreaterThan(50 * rad);
    expect(extent(undefined, spots)).toBeNull();
  });
});

test("the middle of a country is in its largest part", () => {
  const holds = (code: string) => world.country(code).some((s) => s.holds(...world.centre.get(code)!));
  expect(["AU", "US", "CA", "FR", "NO", "CN", "BR", "RU"].filter((code) => !holds(code))).toEqual([]);
  const [lon, lat] = world.centre.get("AU")!;
  expect([lon / rad > 115 && lon / rad < 152, lat / rad > -38 && lat / rad < -14]).toEqual([true, true]);
});
