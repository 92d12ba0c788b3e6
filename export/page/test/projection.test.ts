import { geoPath } from "d3-geo";
import { feature } from "topojson-client";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { packed } from "../src/generated/world";
import { box, fit, fromPlane, hold, inhabited, plane, projection, toPlane, worldScale } from "../src/projection";

const { world, labels } = JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString());

describe("projection", () => {
  test("there and back", () => {
    for (const [lon, lat] of [[0, 0], [13.4, 52.5], [-77.5, 39], [178, -17.7], [-168, 66]]) {
      const [x, y] = fromPlane(...toPlane(lon, lat))!;
      expect(x).toBeCloseTo(lon, 5);
      expect(y).toBeCloseTo(lat, 5);
    }
  });

  test("a box is shown whole, with room", () => {
    const b = box([toPlane(-10, 35), toPlane(30, 60)]), t = fit(b, 900, 500, 40);
    expect(b.x0 * t.k + t.x).toBeGreaterThanOrEqual(39);
    expect(b.x1 * t.k + t.x).toBeLessThanOrEqual(861);
    expect(b.y1 * t.k + t.y).toBeLessThanOrEqual(461);
  });

  test("one place alone is shown among its neighbours", () => {
    const t = fit(box([toPlane(13.4, 52.5)]), 900, 500, 40);
    const west = fromPlane((0 - t.x) / t.k, (250 - t.y) / t.k)!, east = fromPlane((900 - t.x) / t.k, (250 - t.y) / t.k)!;
    expect(east[0] - west[0]).toBeGreaterThan(30);
    expect(east[0] - west[0]).toBeLessThan(60);
  });

  test("no emptiness beyond what must be", () => {
    const t = hold({ k: 10, x: 1e6, y: -1e6 }, 900, 500);
    expect(plane.x0 * 10 + t.x).toBeCloseTo(0, 6);
    expect(plane.y1 * 10 + t.y).toBeCloseTo(500, 6);
    expect(fit(inhabited, 900, 500, 8).k).toBeGreaterThanOrEqual(worldScale(900, 500));
  });
});

describe("world", () => {
  const features = (feature(world, world.objects.countries) as unknown as { features: GeoJSON.Feature<GeoJSON.Geometry, { c: string }>[] }).features;
  const path = geoPath(projection);

  test("no country is a streak across the map", () => {
    for (const f of features) {
      // A streak is one straight edge of half the map's width.
      const points = [...(path(f) ?? "").matchAll(/([ML])(-?[\d.]+),(-?[\d.]+)/g)];
      for (let i = 1; i < points.length; i++) {
        if (points[i][1] === "M") continue;
        const dx = Math.abs(+points[i][2] - +points[i - 1][2]);
        if (f.properties.c !== "AQ") expect(dx, f.properties.c).toBeLessThan(plane.width / 8);
      }
    }
  });

  test("every continent is there, Antarctica too", () => {
    for (const code of ["US", "BR", "DE", "ZA", "CN", "AU", "AQ", "RU", "FJ"]) expect(features.some((f) => f.properties.c === code && path.area(f) > 0.5), code).toBe(true);
    expect(path.area(features.find((f) => f.properties.c === "AQ")!)).toBeGreaterThan(5000);
  });

  test("labels sit in their countries, and cover the world", () => {
    const find = (code: string) => labels.find((l: [string]) => l[0] === code);
    expect(find("US").slice(0, 2)).toEqual(["US", "United States"]);
    expect(find("US")[2]).toBeLessThan(-80); // in the contiguous states
    expect(find("FR")[3]).toBeGreaterThan(42);
    expect(labels.length).toBeGreaterThan(200);
  });
});
