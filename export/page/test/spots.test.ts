import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "../src/codec";
import { Dataset } from "../src/dataset";
import { apart } from "../src/map/naming";
import { heated, hollow, none, Spots } from "../src/map/spots";
import { Camera, kinds, rad, worldScale } from "../src/projection";
import type { World } from "../src/world";

const golden = () => new Dataset(parse(new Uint8Array(readFileSync(new URL("../testdata/vector.phcols", import.meta.url)))));
const world = { centre: new Map([["BR", [-0.9, -0.2]]]) } as unknown as World;

describe("spots", () => {
  test("only what has coordinates is heat; a country alone is a hollow mark; nothing is at 0,0", () => {
    const d = golden(), s = new Spots();
    s.update(d, world);
    const how = (country: string) => s.how[d.places.country.indexOf(country)];
    expect([how("DE"), how("FJ"), how("BR"), how("")]).toEqual([heated, heated, hollow, none]);
    const berlin = d.places.city.indexOf("Berlin"), brazil = d.places.country.indexOf("BR");
    expect([s.lon[berlin] / rad, s.lat[berlin] / rad]).toEqual([13.405, 52.52].map((v) => expect.closeTo(v, 6)));
    expect([s.lon[brazil], s.lat[brazil]]).toEqual([-0.9, -0.2]);
  });

  test("a country whose centre is not known is not guessed at", () => {
    const d = golden(), s = new Spots();
    s.update(d, { centre: new Map() } as unknown as World);
    expect(s.how[d.places.country.indexOf("BR")]).toBe(none);
  });

  test("what joins later is projected, what is there stays", () => {
    const d = golden(), s = new Spots();
    s.update(d, world);
    const more = golden();
    more.places.city[0] = "elsewhere";
    d.append(more);
    const before = s.lon.slice(0, s.n);
    s.update(d, world);
    expect(s.n).toBe(d.places.n);
    expect(s.lon.slice(0, before.length)).toEqual(before);
  });

  test("marks do not cover each other, the heavier stays", () => {
    const s = new Spots();
    Object.assign(s, { n: 3, x: new Float32Array([0, 3, 40]), y: new Float32Array([0, 2, 0]) });
    expect(apart(s, [1, 0, 2], { width: 800, height: 500 })).toEqual([1, 2]);
    Object.assign(s, { x: new Float32Array([0, 60, 800]) });
    expect(apart(s, [1, 0, 2], { width: 800, height: 500 })).toEqual([1, 0, 2]);
  });

  test.each(kinds)("are on the screen where the camera has them: %s", (kind) => {
    const d = golden(), s = new Spots();
    s.update(d, world);
    for (const [lon, lat, zoom] of [[11, 0, 1], [178, -20, 3], [-100, 60, 1]]) {
      const c = new Camera(kind, lon * rad, lat * rad, zoom * worldScale(kind, 800, 500), 800, 500);
      s.look(c);
      for (let i = 0; i < s.n; i++) {
        if (s.how[i] === none) continue;
        const at = c.point(s.lon[i], s.lat[i]);
        if (!at) expect(s.x[i]).toBeNaN();
        else if (!Number.isNaN(s.x[i])) expect(Math.hypot(s.x[i] - at[0], s.y[i] - at[1])).toBeLessThan(0.05);
      }
    }
  });
});
