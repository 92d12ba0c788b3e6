// Makes src/generated/world.ts: land and borders of the world (Natural Earth,
// public domain, by way of world-atlas), simplified to what a traffic map shows,
// with an ISO code and a place for the label of each country.
import { mkdirSync, readFileSync, writeFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { constants, deflateRawSync, gunzipSync, gzipSync } from "node:zlib";
import { feature, mergeArcs, meshArcs, quantize } from "topojson-client";
import { filter, filterWeight, presimplify, simplify, sphericalRingArea, sphericalTriangleArea } from "topojson-simplify";
import { geoArea, geoEqualEarth } from "d3-geo";
import { labelPoint } from "./label-point.mjs";

const detail = 3e-6; // steradians: a triangle of about 11 km on a side
const smallest = 4e-7; // steradians: an island of about 16 km²
const grid = 1.5e4; // quantization: 2.7 km at the equator

const out = fileURLToPath(new URL("../src/generated/world.ts", import.meta.url));
const self = fileURLToPath(import.meta.url);
const newest = Math.max(...[self, fileURLToPath(new URL("./label-point.mjs", import.meta.url))].map((f) => statSync(f).mtimeMs));
if (statSync(out, { throwIfNoEntry: false })?.mtimeMs > newest && !process.argv.includes("--force")) process.exit(0);

const source = createRequire(import.meta.url).resolve("world-atlas/countries-50m.json");
let world = JSON.parse(readFileSync(source, "utf8"));
const full = feature(world, world.objects.countries).features;

/** ISO 3166-1 alpha-2 from the numeric code: CLDR knows the numbers as aliases. */
function alpha2(id, name) {
  if (name === "Kosovo") return "XK";
  if (!id) return "";
  return new Intl.Locale(`und-${id}`).region ?? "";
}

/** A name that fits on a map: CLDR's, or Natural Earth's where that is shorter. */
function short(code, name) {
  const long = /^[A-Z]{2}$/.test(code) ? new Intl.DisplayNames("en", { type: "region" }).of(code) : name;
  return long.length > 16 && name.length < long.length ? name : long;
}

const plane = geoEqualEarth().rotate([-11, 0]).scale(1).translate([0, 0]);
const labels = [];
for (const f of full) {
  const code = alpha2(f.id, f.properties.name);
  const polygons = f.geometry.type === "Polygon" ? [f.geometry.coordinates] : f.geometry.coordinates;
  const biggest = polygons.reduce((a, b) =>
    geoArea({ type: "Polygon", coordinates: b }) > geoArea({ type: "Polygon", coordinates: a }) ? b : a);
  const ring = biggest[0].map((p) => plane(p));
  const { x, y, width } = labelPoint(ring);
  const [lon, lat] = plane.invert([x, y]);
  labels.push([code, short(code, f.properties.name), +lon.toFixed(1), +lat.toFixed(1), +(width || 0).toFixed(3), geoArea(f)]);
}
labels.sort((a, b) => b[5] - a[5]); // names of the largest first
for (const l of labels) l.pop();

// Antarctica comes with a second ring around the pole itself; without it the
// coast alone bounds it, as it does on a globe.
const atPole = (ring) => feature(world, { type: "LineString", arcs: ring }).geometry.coordinates.every((p) => p[1] < -89.9);
for (const g of world.objects.countries.geometries)
  if (g.type === "MultiPolygon") g.arcs = g.arcs.map((polygon) => polygon.filter((ring) => !atPole(ring)));

world = presimplify(world, sphericalTriangleArea);
world = simplify(world, detail);
// A long ring is never an islet; the area of one around the pole comes out wrong.
world = filter(world, filterWeight(world, smallest, (ring, hole) => (ring.length > 60 ? 1 : sphericalRingArea(ring, hole))));
delete world.objects.land;
for (const g of world.objects.countries.geometries) {
  g.properties = { c: alpha2(g.id, g.properties.name) };
  delete g.id;
}
delete world.bbox;
// What is drawn in each frame is made here, once: browsers took a fifth of a second for it.
world.objects.land = mergeArcs(world, world.objects.countries.geometries);
world.objects.borders = meshArcs(world, world.objects.countries, (a, b) => a !== b);
world = quantize(world, grid);

// The differences between points are most of it. As bit lengths first and then the bits
// below the leading ones, which is how the page reads its columns, they take a tenth less
// than as varints. src/world.ts reads this.
const { arcs, ...rest } = world, magnitudes = [];
for (const axis of [0, 1]) {
  let end = 0; // of the arc before: the next one often begins near it
  for (const arc of arcs) {
    let at = 0;
    for (const [i, point] of arc.entries()) {
      const step = i === 0 ? point[axis] - end : point[axis];
      magnitudes.push(step < 0 ? -2 * step - 1 : 2 * step);
      at += point[axis];
    }
    end = at;
  }
}
const bitLengths = magnitudes.map((v) => 32 - Math.clz32(v)), bits = [];
let have = 0;
for (const [i, v] of magnitudes.entries()) {
  for (let b = 0; b < bitLengths[i] - 1; b++, have++) {
    if (have % 8 === 0) bits.push(0);
    bits[bits.length - 1] |= ((v >> b) & 1) << (have % 8);
  }
}
const head = Buffer.from(JSON.stringify({ world: rest, labels, lengths: arcs.map((a) => a.length) }));
const size = Buffer.alloc(4);
size.writeUInt32LE(head.length);

/**
 * One gzip member of parts, each deflated in its own way: text by its repeats, numbers
 * by their frequencies alone, for repeats in them are chance.
 */
function gzip(...parts) {
  const whole = gzipSync(Buffer.concat(parts.map(([part]) => part)));
  const deflated = parts.map(([part, strategy], i) => deflateRawSync(part, { level: 9, memLevel: 9, strategy, finishFlush: i < parts.length - 1 ? constants.Z_FULL_FLUSH : constants.Z_FINISH }));
  const out = Buffer.concat([whole.subarray(0, 10), ...deflated, whole.subarray(-8)]); // its head, checksum and length
  if (!gunzipSync(out).equals(gunzipSync(whole))) throw new Error("what is packed is not what was to be packed");
  return out;
}
const { Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY } = constants;
const packed = gzip([Buffer.concat([size, head]), Z_DEFAULT_STRATEGY], [Buffer.from(bitLengths), Z_HUFFMAN_ONLY], [Buffer.from(bits), Z_HUFFMAN_ONLY]);
mkdirSync(new URL("../src/generated/", import.meta.url), { recursive: true });
writeFileSync(out, `// Made by build/world.mjs; not committed.\nexport const packed =\n  "${packed.toString("base64")}";\n`);
console.log(`world: ${full.length} countries, ${arcs.reduce((n, a) => n + a.length, 0)} points, ${(packed.length / 1000).toFixed(0)} kB gzipped`);
