// Makes cmd/internal/termmap/world.bin, the coasts that "packetheat map" draws in a
// terminal: land of Natural Earth (public domain, by way of world-atlas), simplified to
// what braille dots can show. The file is committed, so that building the program needs
// no Node; run this again ("node build/outline.mjs") when the source or a number changes.
//
// The file is a row of lines: uvarint n, the number of points, then n times a zigzag
// varint of the step east and one of the step north in hundredths of a degree. The
// first step starts at 0,0.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { feature } from "topojson-client";
import { filter, filterWeight, presimplify, simplify, sphericalRingArea, sphericalTriangleArea } from "topojson-simplify";

const detail = 6e-6; // steradians: a triangle of about 22 km on a side; a dot is 50 km on the widest screens
const smallest = 5e-6; // steradians: an island of about 200 km²
const unit = 100; // steps a degree

const source = createRequire(import.meta.url).resolve("world-atlas/land-50m.json");
let world = JSON.parse(readFileSync(source, "utf8"));
world = simplify(presimplify(world, sphericalTriangleArea), detail);
// A long ring is never an islet; the area of one around the pole comes out wrong.
world = filter(world, filterWeight(world, smallest, (ring, hole) => (ring.length > 60 ? 1 : sphericalRingArea(ring, hole))));

const rings = feature(world, world.objects.land).features
  .flatMap((f) => (f.geometry.type === "Polygon" ? [f.geometry.coordinates] : f.geometry.coordinates))
  .flat()
  .filter((ring) => ring.length > 3 && !ring.every((p) => p[1] < -89.9));

const bytes = [];
function uvarint(v) {
  for (; v > 127; v = Math.floor(v / 128)) bytes.push((v % 128) | 128);
  bytes.push(v);
}
const zigzag = (v) => uvarint(v < 0 ? -2 * v - 1 : 2 * v);

let points = 0;
for (const ring of rings) {
  const grid = ring.map((p) => p.map((d) => Math.round(d * unit)));
  const line = grid.filter((p, i) => i === 0 || p[0] !== grid[i - 1][0] || p[1] !== grid[i - 1][1]);
  uvarint(line.length);
  let x = 0, y = 0;
  for (const p of line) {
    zigzag(p[0] - x);
    zigzag(p[1] - y);
    [x, y] = p;
  }
  points += line.length;
}
writeFileSync(fileURLToPath(new URL("../../../cmd/internal/termmap/world.bin", import.meta.url)), Uint8Array.from(bytes));
console.log(`outline: ${rings.length} lines, ${points} points, ${(bytes.length / 1000).toFixed(1)} kB`);
