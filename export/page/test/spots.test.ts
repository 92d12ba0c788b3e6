import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "../src/codec";
import { Dataset } from "../src/dataset";
import { apart } from "../src/map/naming";
import { heated, hollow, none, Spots } from "../src/map/spots";
import { toPlane } from "../src/projection";
import type { World } from "../src/world";

const golden = () => new Dataset(parse(new Uint8Array(readFileSync(new URL("../testdata/vector.phcols", import.meta.url)))));
const world = { centre: new Map([["BR", [-100, 50]]]) } as unknown as World;

describe("spots", () => {
  test("only what has coordinates is heat; a country alone is a hollow mark; nothing is at 0,0", () => {
    const d = golden(), s = new Spots();
    s.update(d, world);
    const how = (country: string) => s.how[d.places.country.indexOf(country)];
    expect([how("DE"), how("FJ"), how("BR"), how("")]).toEqual([heated, heated, hollow, none]);
    const berlin = d.places.city.indexOf("Berlin"), brazil = d.places.country.indexOf("BR");
    expect([s.x[berlin], s.y[berlin]]).toEqual(toPlane(13.405, 52.52));
    expect([s.x[brazil], s.y[brazil]]).toEqual([-100, 50]);
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
    const before = s.x.slice(0, s.n);
    s.update(d, world);
    expect(s.n).toBe(d.places.n);
    expect(s.x.slice(0, before.length)).toEqual(before);
  });

  test("marks do not cover each other, the heavier stays", () => {
    const s = new Spots();
    Object.assign(s, { n: 3, x: new Float64Array([0, 3, 40]), y: new Float64Array([0, 2, 0]) });
    expect(apart(s, { k: 1, x: 100, y: 100 }, [1, 0, 2])).toEqual([1, 2]);
    expect(apart(s, { k: 20, x: 100, y: 100 }, [1, 0, 2])).toEqual([1, 0, 2]);
  });
});
