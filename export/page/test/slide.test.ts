import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pieces, roomy, type Piece } from "../src/map/slide";
import { Camera, rad, wrap, worldScale, type Flat } from "../src/projection";

const camera = (kind: Flat, lon: number, lat: number, zoom: number, w: number, h: number) => new Camera(kind, lon * rad, lat * rad, zoom * worldScale(kind, w, h), w, h).held();

/** The piece that a pixel of the screen is from. */
const holder = (list: Piece[], x: number, y: number) => list.filter((p) => x >= p.dx && x < p.dx + p.w && y >= p.dy && y < p.dy + p.h);

describe.each<Flat>(["equal-earth", "mercator"])("%s", (kind) => {
  const views = fc.record({
    lon: fc.double({ min: -180, max: 180, noNaN: true }), lat: fc.double({ min: -75, max: 75, noNaN: true }), zoom: fc.constantFrom(1, 1.2, 1.7, 3, 20, 300),
    w: fc.integer({ min: 300, max: 1400 }), h: fc.integer({ min: 240, max: 900 }), density: fc.constantFrom(1, 1.25, 2),
    dx: fc.double({ min: -0.9, max: 0.9, noNaN: true }), dy: fc.double({ min: -0.5, max: 0.5, noNaN: true }),
    at: fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), { minLength: 30, maxLength: 30 }),
  });

  test("every pixel of the earth comes, once, from where the picture has the same point", () => {
    let shown = 0;
    fc.assert(fc.property(views, ({ lon, lat, zoom, w, h, density, dx, dy, at }) => {
      const rest = camera(kind, lon, lat, zoom, w, h), screen = rest.panned(dx * w, dy * h), picture = roomy(rest, density);
      const list = pieces(picture, screen, density);
      if (!list) return;
      shown++;
      const pw = Math.round(picture.width * density), ph = Math.round(picture.height * density), sw = Math.round(w * density), sh = Math.round(h * density);
      for (const [u, v] of at) {
        const x = Math.floor(u * sw), y = Math.floor(v * sh), here = screen.invert((x + 0.5) / density, (y + 0.5) / density);
        if (!here) continue;
        const edge = [-8, 8].some((d) => !screen.invert((x + 0.5 + d) / density, (y + 0.5) / density) || !screen.invert((x + 0.5) / density, (y + 0.5 + d) / density));
        if (edge) continue; // what is at the very edge of the earth is covered
        const from = holder(list, x, y);
        expect(from.length).toBe(1);
        const px = from[0].sx + x - from[0].dx, py = from[0].sy + y - from[0].dy;
        expect(px >= 0 && px < pw && py >= 0 && py < ph).toBe(true);
        const there = picture.invert((px + 0.5) / density, (py + 0.5) / density)!;
        const [qx, qy] = screen.point(...there)!, [hx, hy] = screen.point(...here)!;
        const turn = Math.abs(wrap(there[0] - screen.lon)) > 3 ? 0 : Math.abs(qx - hx); // at the seam a point is on both sides
        expect(turn * density).toBeLessThan(6.6); // five at the seams, and what is rounded
        expect(Math.abs(qy - hy) * density).toBeLessThan(1.1);
        if ([picture, screen].every((c) => Math.abs(wrap(here[0] - c.lon)) < 2.9)) expect(turn * density).toBeLessThan(1.6);
      }
    }), { numRuns: 150 });
    expect(shown).toBeGreaterThan(30);
  });

  test("a map at rest is its own picture", () => {
    const rest = camera(kind, 11, 20, 1.1, 900, 500);
    for (const p of pieces(rest, rest, 1)!) expect([p.sx, p.sy]).toEqual([p.dx, p.dy]);
  });

  test("a whole earth goes around; a part of it reaches half a screen", () => {
    const whole = camera(kind, 11, 0, 1, 900, 500), part = camera(kind, 11, 20, 6, 900, 500);
    for (const dx of [-400, -90, 3, 200, 440]) expect(pieces(roomy(whole, 1), whole.panned(dx, 0), 1)).not.toBeNull();
    expect(pieces(roomy(part, 1), part.panned(440, 100), 1)).not.toBeNull();
    expect(pieces(roomy(part, 1), part.panned(500, 0), 1)).toBeNull();
    expect(pieces(roomy(part, 1), part.panned(0, 140), 1)).toBeNull();
    expect(pieces(roomy(part, 1), part.zoomed(part.k * 1.1), 1)).toBeNull();
  });
});

test("pictures stay small enough for a screen of any size", () => {
  for (const [w, h, density] of [[1280, 800, 1], [1280, 800, 3], [3840, 2160, 1], [3840, 2160, 2]]) {
    const c = roomy(camera("mercator", 0, 0, 9, w, h), density);
    expect(c.width * c.height * density ** 2).toBeLessThanOrEqual(Math.max(8.1e6, w * h * density ** 2 + 1e4));
    expect(c.width).toBeGreaterThanOrEqual(w);
  }
});
