// Land, borders and country labels, unpacked from what build/world.mjs made.

import { geoPath } from "d3-geo";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import { fromBase64, gunzip } from "./codec";
import { packed } from "./generated/world";
import { projection, toPlane } from "./projection";

/** A country's label: where it sits and how wide the country is there, in plane units. */
export interface CountryLabel { code: string; name: string; x: number; y: number; width: number; area: number }

export interface World {
  sphere: Path2D;
  land: Path2D;
  borders: Path2D;
  labels: CountryLabel[];
  /** Where a place known only by its country is marked. */
  centre: Map<string, [number, number]>;
}

type Label = [code: string, name: string, lon: number, lat: number, width: number, area: number];
type Packed = { world: Topology<{ countries: GeometryCollection }>; labels: Label[] };

/** Unpacks the world; all shapes are in plane units, so that drawing is one transform. */
export async function loadWorld(): Promise<World> {
  const { world, labels } = JSON.parse(new TextDecoder().decode(await gunzip(fromBase64(packed)))) as Packed;
  const path = geoPath(projection);
  const shape = (o: Parameters<typeof path>[0]) => new Path2D(path(o) ?? "");
  const { countries } = world.objects;
  const placed = labels.map(([code, name, lon, lat, width, area]) => {
    const [x, y] = toPlane(lon, lat);
    return { code, name, x, y, width: width * projection.scale(), area };
  });
  return {
    sphere: shape({ type: "Sphere" }),
    land: shape(feature(world, countries)),
    borders: shape(mesh(world, countries, (a, b) => a !== b)),
    labels: placed.filter((l) => l.code !== "AQ"),
    centre: new Map(placed.filter((l) => l.code).map((l) => [l.code, [l.x, l.y]])),
  };
}
