import { describe, expect, test } from "vitest";
import { box, Camera, deepest, fit, kinds, rad, tau, whole, worldScale, type Kind } from "../src/projection";
import { gunzipSync } from "node:zlib";
import { packed } from "../src/generated/world";
import { topology } from "../src/world";

const w = 900, h = 500;
const camera = (kind: Kind, lon = 11, lat = 20, zoom = 1) => new Camera(kind, lon * rad, lat * rad, zoom * worldScale(kind, w, h), w, h).held();
const degrees = (p: [number, number] | null) => p && [p[0] / rad, p[1] / rad];

describe.each(kinds)("%s", (kind) => {
  const views = [camera(kind), camera(kind, 178, -17, 6), camera(kind, -170, 60, 2), camera(kind, 0, 0, 300)];

  test("there and back", () => {
    for (const c of views) {
      for (const [dx, dy] of [[0, 0], [40, 30], [-120, -90], [200, 10]]) {
        const at = c.invert(w / 2 + dx, h / 2 + dy);
        if (!at) continue;
        const [x, y] = c.point(...at)!;
        expect([x - w / 2, y - h / 2]).toEqual([expect.closeTo(dx, 4), expect.closeTo(dy, 4)]);
      }
    }
  });

  test("the middle of the view is in the middle of the screen", () => {
    for (const c of views) expect(c.point(c.lon, c.lat)).toEqual([expect.closeTo(w / 2, 6), expect.closeTo(h / 2, 6)]);
  });

  test("what is held stays under the hand", () => {
    for (const c of [camera(kind, 11, 30, 5), camera(kind, 179, -17, 9), camera(kind, -100, 45, 4)]) {
      for (const [x, y, k] of [[500, 260, c.k], [300, 200, 1.5 * c.k], [460, 300, 2 * c.k]]) {
        const held = c.invert(430, 230)!, next = c.holding(held, x, y, k), [px, py] = next.point(...held)!;
        expect(Math.hypot(px - x, py - y), `${x} ${y}`).toBeLessThan(0.5);
        expect(next.k).toBe(k);
      }
    }
  });

  test("a pan leads across 180° and around the earth", () => {
    let c = camera(kind, 150, 0, 2), crossed = false;
    for (let i = 0; i < 60 && !crossed; i++) {
      c = c.panned(-60, 0);
      crossed = c.lon < 0;
      expect(Math.abs(c.lat)).toBeLessThan(1e-6);
    }
    expect(crossed).toBe(true);
    const at = c.point(-179.9 * rad, 0)!, beside = c.point(179.9 * rad, 0)!;
    expect(at[0] - beside[0]).toBeCloseTo(c.k * 0.2 * rad * (kind === "equal-earth" ? 0.866 : 1), 0);
  });

  test("neither too near, nor too far, nor over the edge", () => {
    const c = camera(kind, 0, 0, 1);
    expect(c.at(0, 0, 1e9).zoom).toBeCloseTo(deepest, 6);
    expect(c.at(0, 0, 1e-9).zoom).toBeCloseTo(1, 6);
    const far = camera(kind, 0, 0, 4).panned(0, 1e5);
    if (kind !== "globe") expect(far.point(0, Math.PI / 2)![1]).toBeCloseTo(0, 3); // the pole at the top, nothing above
    expect(far.lat).toBeLessThanOrEqual(Math.PI / 2);
  });

  test("a box is shown whole, with room", () => {
    const b = box([-10 * rad, 30 * rad, 5 * rad], [35 * rad, 60 * rad, 40 * rad])!, c = fit(b, kind, w, h, 40);
    for (const [lon, lat] of [[-10, 35], [-10, 60], [30, 35], [30, 60]]) {
      const [x, y] = c.point(lon * rad, lat * rad)!;
      expect(x).toBeGreaterThan(30);
      expect(x).toBeLessThan(w - 30);
      expect(y).toBeGreaterThan(30);
      expect(y).toBeLessThan(h - 30);
    }
    expect(c.zoom).toBeGreaterThan(2);
  });

  test("one place alone is shown among its neighbours", () => {
    const c = fit(box([13.4 * rad], [52.5 * rad])!, kind, w, h, 40), west = degrees(c.invert(0, h / 2)), east = degrees(c.invert(w, h / 2));
    if (!west || !east) return expect(kind).toBe("globe"); // its edge is in view
    expect(east[0] - west[0]).toBeGreaterThan(25);
    expect(east[0] - west[0]).toBeLessThan(kind === "globe" ? 110 : 70);
  });

  test("the whole earth fits the screen", () => {
    for (const [width, height] of [[900, 500], [360, 640], [3840, 2160], [300, 900]]) {
      const c = whole(kind, width, height);
      expect(c.zoom).toBeCloseTo(1, 9);
      // Alaska, New Zealand, Tierra del Fuego and Svalbard are on it.
      for (const [lon, lat] of kind === "globe" ? [[11, 25]] : [[-165, 65], [178, -38], [-68, -54], [16, 76]]) {
        const [x, y] = c.point(lon * rad, lat * rad)!;
        expect([x > 0 && x < width, y > 0 && y < height]).toEqual([true, true]);
      }
    }
  });
});

test("a box goes the short way around, also over 180°", () => {
  const b = box([178 * rad, -172 * rad, -179 * rad], [-18 * rad, -13 * rad, -20 * rad])!;
  expect([b.west / rad, b.east / rad]).toEqual([expect.closeTo(178, 6), expect.closeTo(188, 6)]);
  expect(fit(b, "equal-earth", w, h, 40).lon / rad).toBeCloseTo(-177, 3);
  expect(box([], [])).toBeNull();
  expect(box([1], [0.5])).toEqual({ west: 1, east: expect.closeTo(1, 9), south: 0.5, north: 0.5 });
});

test("distances are those of the earth in the middle of each", () => {
  for (const kind of kinds) {
    const c = camera(kind, 10, 50, 20), [x0] = c.point(c.lon, c.lat)!, [x1] = c.point(c.lon + 1 * rad, c.lat)!;
    expect((x1 - x0) / c.perKm / (6371 * 1 * rad * Math.cos(c.lat))).toBeCloseTo(1, 2);
  }
  expect(tau).toBeCloseTo(6.283, 3);
});

test("country labels sit in their countries, and cover the world", () => {
  const { labels } = topology(gunzipSync(Buffer.from(packed, "base64")));
  const find = (code: string) => labels.find((l) => l[0] === code)!;
  expect(find("US").slice(0, 2)).toEqual(["US", "United States"]);
  expect(find("US")[2]).toBeLessThan(-80); // in the contiguous states
  expect(find("FR")[3]).toBeGreaterThan(42);
  expect(labels.length).toBeGreaterThan(200);
});
