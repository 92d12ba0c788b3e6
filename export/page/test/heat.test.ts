import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { add, addSmoothly, at, blur, cell, colour, newGrid, sigmaFor, strongest } from "../src/heat";
import { ramp } from "../src/ramp";
import { fitScale } from "../src/scale";

const sigma = 4;

describe("heat", () => {
  test("a lone place reads its own number", () => {
    const g = newGrid(400, 300);
    add(g, 201, 151, 12_345);
    blur(g, sigma);
    expect(at(g, 201, 151)).toBeCloseTo(12_345, 1);
    expect(strongest(g)).toBeCloseTo(12_345, 1);
  });

  test("it falls off as a Gaussian, the same in every direction", () => {
    const g = newGrid(400, 300);
    add(g, 200, 150, 1000);
    blur(g, sigma);
    for (const d of [2, 4, 8, 12]) {
      const want = 1000 * Math.exp(-(d * d) / (2 * sigma * sigma));
      for (const [dx, dy] of [[d, 0], [-d, 0], [0, d], [0, -d]]) expect(at(g, 200 + dx, 150 + dy) / want).toBeCloseTo(1, 3);
    }
    expect(at(g, 206, 158)).toBeCloseTo(1000 * Math.exp(-(36 + 64) / (2 * sigma * sigma)), 2);
    expect(at(g, 200 + 12 * sigma, 150)).toBe(0);
  });

  test("neighbours add up, strangers do not", () => {
    const g = newGrid(400, 300);
    add(g, 100, 100, 30);
    add(g, 100, 100, 12);
    add(g, 300, 200, 7);
    blur(g, sigma);
    expect(at(g, 100, 100)).toBeCloseTo(42, 4);
    expect(at(g, 300, 200)).toBeCloseTo(7, 5);
  });

  test("edges keep what is inside, and nothing outside matters", () => {
    const g = newGrid(100, 60);
    add(g, 0, 0, 5);
    add(g, 99, 59, 5);
    add(g, -1, 10, 99);
    add(g, 100, 10, 99);
    add(g, NaN, 10, 99);
    blur(g, sigma);
    expect(at(g, 0, 0)).toBeCloseTo(5, 5);
    expect(at(g, 99, 59)).toBeCloseTo(5, 5);
    expect(strongest(g)).toBeCloseTo(5, 5);
  });

  test("a grid is reused empty", () => {
    const g = newGrid(100, 60);
    add(g, 50, 30, 5);
    blur(g, sigma);
    const again = newGrid(100, 60, g);
    expect(again).toBe(g);
    expect(strongest(again)).toBe(0);
    expect(newGrid(100, 62, g)).not.toBe(g);
  });

  test("small maps have smaller spots", () => {
    expect(sigmaFor(390)).toBeLessThan(sigmaFor(960));
    expect(sigmaFor(10_000)).toBe(5);
  });

  test("the weakest place is visible, nothing is not", () => {
    const g = newGrid(200, 100);
    add(g, 50, 50, 1);
    add(g, 150, 50, 1e5);
    blur(g, sigma);
    const out = new Uint8ClampedArray(g.values.length * 4), table = ramp("dark");
    colour(g, fitScale(1, 1e5), table, out);
    const pixel = (x: number, y: number) => Array.from(out.subarray(4 * ((y / cell) * g.width + x / cell), 4 * ((y / cell) * g.width + x / cell) + 4));
    expect(pixel(50, 50)[3]).toBeGreaterThan(100);
    expect(pixel(50, 50).slice(0, 3)).toEqual(Array.from(table.subarray(0, 3)));
    expect(pixel(150, 50)[3]).toBeGreaterThan(240);
    expect(pixel(150, 50).slice(0, 3)).toEqual(Array.from(table.subarray(255 * 4, 255 * 4 + 3)));
    expect(pixel(100, 6)[3]).toBe(0);
  });

  test("what is passed over is empty, on grids of any size", () => {
    const spots = fc.array(fc.record({ x: fc.double({ min: -9, max: 1210, noNaN: true }), y: fc.double({ min: -9, max: 420, noNaN: true }), weight: fc.integer({ min: 1, max: 1e6 }) }), { maxLength: 40 });
    fc.assert(fc.property(fc.integer({ min: 3, max: 1200 }), fc.integer({ min: 3, max: 400 }), spots, fc.boolean(), (w, h, list, smoothly) => {
      const g = newGrid(w, h), kept = newGrid(w, h), half = Math.ceil((sigma / cell) * 5.3), out = new Uint8ClampedArray(4 * g.width * g.height).fill(7), table = ramp("dark");
      for (const { x, y, weight } of list) for (const to of [g, kept]) (smoothly ? addSmoothly : add)(to, x, y, weight);
      blur(g, sigma);
      let most = 0;
      for (const v of g.values) most = Math.max(most, v);
      expect(strongest(g)).toBe(most);
      for (let j = 0; j < g.height; j++) for (let i = 0; i < g.width; i++) {
        if (kept.values[j * g.width + i] === 0) continue; // around each spot all within reach is warm
        for (const [u, v] of [[half, 0], [-half, 0], [0, half], [0, -half]]) if (i + u >= 0 && j + v >= 0 && i + u < g.width && j + v < g.height) expect(g.values[(j + v) * g.width + i + u]).toBeGreaterThan(0);
      }
      colour(g, fitScale(1, 1e5), table, out);
      const wrong = g.values.reduce((n, v, i) => n + Number(v > 1.05 / 6 ? out[4 * i + 3] === 0 : v < 1 / 6 && out[4 * i + 3] !== 0), 0); // a sixth of the low limit is where heat ends
      expect(wrong).toBe(0);
    }), { numRuns: 40 });
  });
});
