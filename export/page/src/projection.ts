// Equal Earth, turned by 11° so that the map's edge runs through the Bering
// Strait and no country is cut. Everything is projected once into a plane; a
// view is then a scale and an offset, which is what keeps panning quick.

import { geoEqualEarth, geoPath } from "d3-geo";

export const projection = geoEqualEarth().rotate([-11, 0]).scale(200).translate([0, 0]).precision(0.05);

const [[x0, y0], [x1, y1]] = geoPath(projection).bounds({ type: "Sphere" });

/** The plane's extent; its centre is 0,0. */
export const plane = { x0, y0, x1, y1, width: x1 - x0, height: y1 - y0 };

export function toPlane(lon: number, lat: number): [number, number] {
  return projection([lon, lat])!;
}

export function fromPlane(x: number, y: number): [number, number] | null {
  return projection.invert!([x, y]) as [number, number] | null;
}

/** screen = plane × k + (x, y), in CSS pixels. */
export interface Transform { k: number; x: number; y: number }

/** The k at which the whole world fits. */
export function worldScale(width: number, height: number): number {
  return Math.max(1e-3, Math.min(width / plane.width, height / plane.height));
}

export interface Box { x0: number; y0: number; x1: number; y1: number }

/** Where traffic lives: shown when there is none. */
export const inhabited: Box = box([toPlane(-135, 0), toPlane(165, 0), toPlane(11, 74), toPlane(11, -56)]);

export function box(points: Iterable<[number, number]>): Box {
  const b = { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity };
  for (const [x, y] of points) {
    b.x0 = Math.min(b.x0, x);
    b.x1 = Math.max(b.x1, x);
    b.y0 = Math.min(b.y0, y);
    b.y1 = Math.max(b.y1, y);
  }
  return b;
}

/** The least width that is shown, so that even one place alone is seen among its neighbours. */
const least = plane.width / 12;

/** The view that shows a box with room around it. */
export function fit(b: Box, width: number, height: number, room: number): Transform {
  const k = Math.max(worldScale(width, height), Math.min(
    (width - 2 * room) / Math.max(least, b.x1 - b.x0),
    (height - 2 * room) / Math.max(1e-9, b.y1 - b.y0),
  ));
  return hold({ k, x: width / 2 - (k * (b.x0 + b.x1)) / 2, y: height / 2 - (k * (b.y0 + b.y1)) / 2 }, width, height);
}

/** Moves a view so that no more emptiness shows than must. */
export function hold(t: Transform, width: number, height: number): Transform {
  const along = (offset: number, size: number, lo: number, hi: number) =>
    (hi - lo) * t.k <= size ? (size - (lo + hi) * t.k) / 2 : Math.min(-lo * t.k, Math.max(size - hi * t.k, offset));
  return { k: t.k, x: along(t.x, width, plane.x0, plane.x1), y: along(t.y, height, plane.y0, plane.y1) };
}
