import { geoContains } from "d3-geo";
import { feature } from "topojson-client";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { packed } from "../src/generated/world";
import { Shape } from "../src/map/shape";
import { Camera, kinds, rad, worldScale, type Kind } from "../src/projection";
import { topology, unpack } from "../src/world";

const bytes = gunzipSync(Buffer.from(packed, "base64")), world = unpack(bytes);
/** The countries as topojson-client makes them of the same arcs: what our own way is held to. */
const { world: raw, arcs } = topology(bytes);
delete raw.transform;
raw.arcs = Array.from(arcs.from.subarray(1), (end, i) => Array.from(arcs.lon.subarray(arcs.from[i], end), (lon, k) => [lon / rad, arcs.lat[arcs.from[i] + k] / rad]));
const countries = feature(raw, raw.objects.countries);

test("rings are those that the topology means", () => {
  for (const f of countries.features) {
    const code = (f.properties as { c: string }).c, g = f.geometry as GeoJSON.Polygon | GeoJSON.MultiPolygon;
    if (!code || countries.features.filter((o) => (o.properties as { c: string }).c === code).length > 1) continue;
    const want = (g.type === "Polygon" ? [g.coordinates] : g.coordinates).flat().map((ring) => Shape.of(ring, true)), got = world.country(code);
    expect(got.length).toBe(want.length);
    got.forEach((s, i) => {
      expect(s.n).toBe(want[i].n);
      s.lon.forEach((lon, k) => expect(Math.hypot(lon - want[i].lon[k], s.lat[k] - want[i].lat[k])).toBeLessThan(1e-9));
    });
  }
});

/** Records what is drawn, as chains of points. */
class Recorder {
  chains: [number, number][][] = [];
  moveTo(x: number, y: number): void {
    this.chains.push([[x, y]]);
  }
  lineTo(x: number, y: number): void {
    this.chains.at(-1)!.push([x, y]);
  }

  /** Is a pixel filled, by the rule of winding numbers that canvases use? */
  filled(x: number, y: number): boolean {
    let winding = 0;
    for (const c of this.chains) {
      for (let i = 0, j = c.length - 1; i < c.length; j = i++) {
        const [xi, yi] = c[i], [xj, yj] = c[j];
        if (yi > y === yj > y || x >= ((xj - xi) * (y - yi)) / (yj - yi) + xi) continue;
        winding += yi > yj ? 1 : -1;
      }
    }
    return winding !== 0;
  }
}

const w = 900, h = 600;
const camera = (kind: Kind, lon: number, lat: number, zoom: number) => new Camera(kind, lon * rad, lat * rad, worldScale(kind, w, h) * zoom, w, h).held();

/** Numbers that are the same each time. */
function random(seed: number): () => number {
  return () => ((seed = (seed * 48271) % 2147483647) / 2147483647);
}

function drawn(shapes: Shape[], c: Camera, area: boolean, step = 0): Recorder {
  const r = new Recorder();
  for (const s of shapes) s.trace(r, c, area, step);
  return r;
}

describe.each(kinds)("the land on %s", (kind) => {
  test("is where the earth's is, wherever one looks", () => {
    const next = random(7);
    let wrong = 0, seen = 0;
    for (const [lon, lat, zoom] of [[11, 0, 1], [178, -17, 1], [-169, 65, 1.5], [-90, 30, 2], [60, -70, 1], [10, 88, 1], [178, -18, 20], [-100, 40, 6], [140, -25, 1], [-60, -10, 1.2]]) {
      const c = camera(kind, lon, lat, zoom), land = drawn(world.land, c, true);
      for (let i = 0; i < 40; i++) {
        const x = next() * w, y = next() * h, at = c.invert(x, y);
        if (!at || Math.abs(at[1]) > 84 * rad) continue;
        seen++;
        if (land.filled(x, y) !== geoContains(countries, [at[0] / rad, at[1] / rad])) wrong++;
      }
    }
    expect(seen).toBeGreaterThan(200);
    expect(wrong / seen).toBeLessThan(0.01); // long edges differ: parallels here, great circles there
  });

  test("has no streaks: no edge crosses what one sees", () => {
    let longest = 0;
    for (let lon = -180; lon < 180; lon += 40) {
      const c = camera(kind, lon, 10, 1);
      for (const [what, area] of [[world.land, false], [world.borders, false]] as const) {
        for (const chain of drawn(what, c, area).chains) {
          for (let i = 1; i < chain.length; i++) {
            const inside = chain.slice(i - 1, i + 1).every(([x, y]) => c.invert(x, y) !== null);
            if (inside) longest = Math.max(longest, Math.hypot(chain[i][0] - chain[i - 1][0], chain[i][1] - chain[i - 1][1]));
          }
        }
      }
    }
    expect(longest).toBeGreaterThan(1);
    expect(longest).toBeLessThan(25);
  });

  test("is thinned to what the screen can show, and no more", () => {
    for (const [lon, lat, zoom] of [[11, 20, 1], [10, 50, 30]]) {
      const c = camera(kind, lon, lat, zoom), all = drawn(world.land, c, true), few = drawn(world.land, c, true, 1);
      const count = (r: Recorder) => r.chains.reduce((n, x) => n + x.length, 0);
      expect(count(few)).toBeLessThan(zoom > 1 ? count(all) + 1 : count(all) / 1.2);
      const next = random(3);
      let differ = 0;
      for (let i = 0; i < 300; i++) {
        const x = next() * w, y = next() * h;
        if (few.filled(x, y) !== all.filled(x, y)) differ++;
      }
      expect(differ).toBeLessThan(6);
    }
  });
});

describe("a shape", () => {
  const fiji = Shape.of([[177, -19], [177, -16], [-178, -16], [-178, -19], [177, -19]], true);

  test("over 180° is one piece, seen from both sides", () => {
    expect(fiji.east - fiji.west).toBeCloseTo(5 * rad, 9);
    for (const lon of [179, -179]) expect(fiji.holds(lon * rad, -17 * rad)).toBe(true);
    expect(fiji.holds(0, -17 * rad)).toBe(false);
    for (const lon of [150, -150]) {
      const c = camera("equal-earth", lon, 0, 1), at = c.point(179.5 * rad, -17 * rad)!;
      expect(drawn([fiji], c, true).filled(at[0], at[1])).toBe(true);
    }
  });

  test("at the edge of the map is on both sides of it", () => {
    const c = camera("mercator", 0, 0, 1), r = drawn([fiji], c, true), west = c.point(-179 * rad, -17 * rad)!, east = c.point(178 * rad, -17 * rad)!;
    expect([r.filled(west[0], west[1]), r.filled(east[0], east[1]), r.filled(w / 2, h / 2)]).toEqual([true, true, false]);
  });

  test("behind the globe is not drawn", () => {
    expect(drawn([fiji], camera("globe", 0, 0, 1), true).chains).toEqual([]);
    expect(drawn([fiji], camera("globe", 170, -10, 1), true).chains).toHaveLength(1);
  });

  test("outside the screen costs next to nothing", () => {
    const r = drawn(world.land, camera("equal-earth", -30, 30, 40), true, 1); // the Atlantic
    expect(r.chains.reduce((n, x) => n + x.length, 0)).toBeLessThan(300);
  });
});
