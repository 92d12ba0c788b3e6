// Land, borders and country labels, unpacked from what build/world.mjs made.

import { geoEqualEarthRaw } from "d3-geo";
import { feature } from "topojson-client";
import type { GeometryCollection, MultiLineString, MultiPolygon, Topology } from "topojson-specification";
import { fromBase64, gunzip } from "./codec";
import { packed } from "./generated/world";
import { Shape } from "./map/shape";
import { rad } from "./projection";

/** A country's label: where it sits, and how many radians of longitude the country is wide there. */
export interface CountryLabel { code: string; name: string; lon: number; lat: number; width: number }

export interface World {
  land: Shape[];
  borders: Shape[];
  labels: CountryLabel[];
  /** Where a place known only by its country is marked: longitude and latitude. */
  centre: Map<string, [number, number]>;
  /** The rings of a country; none if the map does not show it. */
  country(code: string): Shape[];
}

type Label = [code: string, name: string, lon: number, lat: number, width: number];
type Countries = Topology<{ countries: GeometryCollection<{ c: string }>; land: MultiPolygon; borders: MultiLineString }>;

export async function loadWorld(): Promise<World> {
  return unpack(await gunzip(fromBase64(packed)));
}

/** Reads the topology: a length, JSON of all but the points, then their differences, all of x and then all of y. */
export function topology(b: Uint8Array): { world: Countries; labels: Label[] } {
  const length = new DataView(b.buffer, b.byteOffset).getUint32(0, true);
  const { world, labels, lengths } = JSON.parse(new TextDecoder().decode(b.subarray(4, 4 + length))) as { world: Countries; labels: Label[]; lengths: number[] };
  let at = 4 + length;
  const next = (): number => {
    let v = 0, unit = 1;
    for (; b[at] > 127; unit *= 128) v += (b[at++] & 127) * unit;
    v += b[at++] * unit;
    return v % 2 ? -(v + 1) / 2 : v / 2;
  };
  world.arcs = [];
  for (const n of lengths) {
    const arc: [number, number][] = [];
    for (let i = 0; i < n; i++) arc.push([next(), 0]);
    world.arcs.push(arc);
  }
  for (const arc of world.arcs) for (const point of arc) point[1] = next();
  return { world, labels };
}

export function unpack(bytes: Uint8Array): World {
  const { world, labels } = topology(bytes), { countries, land, borders } = world.objects, made = new Map<string, Shape[]>();
  const placed = labels.map(([code, name, lon, lat, width]) => (
    { code, name, lon: lon * rad, lat: lat * rad, width: width / geoEqualEarthRaw(1, lat * rad)[0] }));
  return {
    land: rings(feature(world, land).geometry),
    borders: feature(world, borders).geometry.coordinates.map((line) => new Shape(line, false)),
    labels: placed.filter((l) => l.code !== "AQ"),
    centre: new Map(placed.filter((l) => l.code).map((l) => [l.code, [l.lon, l.lat]])),
    country(code) {
      let shapes = made.get(code);
      if (!shapes) {
        const found = countries.geometries.filter((g) => (g.properties as { c?: string } | undefined)?.c === code);
        made.set(code, (shapes = found.flatMap((g) => rings(feature(world, g as MultiPolygon).geometry))));
      }
      return shapes;
    },
  };
}

function rings(g: GeoJSON.Polygon | GeoJSON.MultiPolygon): Shape[] {
  const polygons = g.type === "Polygon" ? [g.coordinates] : g.coordinates;
  return polygons.flat().map((ring) => new Shape(ring, true));
}
