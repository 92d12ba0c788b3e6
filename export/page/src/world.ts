// Land, borders and country labels, unpacked from what build/world.mjs made.

import { geoEqualEarthRaw } from "d3-geo";
import type { GeometryCollection, MultiLineString, MultiPolygon, Polygon, Topology } from "topojson-specification";
import { fromBase64, gunzip, magnitudes } from "./codec";
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

/** The arcs of a topology as columns of radians; those of arc i are from[i] up to from[i + 1]. */
interface Arcs { lon: Float64Array; lat: Float64Array; from: Uint32Array }

/**
 * Reads the topology: a length, JSON of all but the points, then a column of their
 * differences, all of x and then all of y. Straight into columns: as arrays of points, which is what
 * topojson-client takes and makes, it was a fifth of what a page did before its map was
 * there.
 */
export function topology(b: Uint8Array): { world: Countries; labels: Label[]; arcs: Arcs } {
  const length = new DataView(b.buffer, b.byteOffset).getUint32(0, true);
  const { world, labels, lengths } = JSON.parse(new TextDecoder().decode(b.subarray(4, 4 + length))) as { world: Countries; labels: Label[]; lengths: number[] };
  const from = new Uint32Array(lengths.length + 1);
  for (let i = 0; i < lengths.length; i++) from[i + 1] = from[i] + lengths[i];
  const { scale, translate } = world.transform!, lon = new Float64Array(from[lengths.length]), lat = new Float64Array(lon.length);
  const n = lon.length, steps = magnitudes({ kind: 0, count: 2 * n, payload: b.subarray(4 + length) });
  walk(steps.subarray(0, n), scale[0] * rad, translate[0] * rad, lon);
  walk(steps.subarray(n), scale[1] * rad, translate[1] * rad, lat);
  return { world, labels, arcs: { lon, lat, from } };
}

/** Goes from point to point of one axis by zigzag differences; an arc begins where the one before ended, but for its first. */
function walk(steps: Float64Array, scale: number, translate: number, out: Float64Array): void {
  let grid = 0;
  for (let i = 0; i < out.length; i++) {
    const v = steps[i];
    grid += (v >>> 1) ^ -(v & 1);
    out[i] = grid * scale + translate;
  }
}

export function unpack(bytes: Uint8Array): World {
  const { world, labels, arcs } = topology(bytes), { countries, land, borders } = world.objects, made = new Map<string, Shape[]>();
  const chain = chains(arcs);
  const placed = labels.map(([code, name, lon, lat, width]) => (
    { code, name, lon: lon * rad, lat: lat * rad, width: width / geoEqualEarthRaw(1, lat * rad)[0] }));
  return {
    land: rings(land, chain),
    borders: borders.arcs.map((line) => chain(line, false)),
    labels: placed.filter((l) => l.code !== "AQ"),
    // Some codes are of several outlines (Australia's, and a reef of its): the widest, which comes last here, is the country.
    centre: new Map(placed.filter((l) => l.code).sort((a, b) => a.width - b.width).map((l) => [l.code, [l.lon, l.lat]])),
    country(code) {
      let shapes = made.get(code);
      if (!shapes) {
        const found = countries.geometries.filter((g) => (g.properties as { c?: string } | undefined)?.c === code);
        made.set(code, (shapes = found.flatMap((g) => rings(g as Polygon | MultiPolygon, chain))));
      }
      return shapes;
    },
  };
}

/** Makes shapes of arcs that follow each other, one's last point being the next one's first; ~i is arc i backwards. */
function chains({ lon, lat, from }: Arcs): (line: number[], ring: boolean) => Shape {
  let lons = new Float64Array(0), lats = lons;
  return (line, ring) => {
    let n = 0, most = 0;
    for (const i of line) most += from[(i < 0 ? ~i : i) + 1] - from[i < 0 ? ~i : i];
    if (lons.length < most) [lons, lats] = [new Float64Array(most), new Float64Array(most)];
    for (const i of line) {
      const first = from[i < 0 ? ~i : i], last = from[(i < 0 ? ~i : i) + 1] - 1;
      if (n > 0) n--;
      for (let k = i < 0 ? last : first, step = i < 0 ? -1 : 1, left = last - first; left >= 0; left--, k += step) {
        lons[n] = lon[k];
        lats[n++] = lat[k];
      }
    }
    return new Shape(lons, lats, n, ring);
  };
}

function rings(g: Polygon | MultiPolygon, chain: (line: number[], ring: boolean) => Shape): Shape[] {
  const polygons = g.type === "Polygon" ? [g.arcs] : g.arcs;
  return polygons.flat().map((ring) => chain(ring, true));
}
