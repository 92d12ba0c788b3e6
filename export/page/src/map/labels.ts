// Names on the map: biggest first, never across each other, never on a peak, and
// a country's only where the country is wide enough to carry it.

import { flatX, type Camera } from "../projection";
import type { CountryLabel } from "../world";

export interface Rect { x: number; y: number; w: number; h: number }
/** A name with its box, and the point of the earth (radians) it goes with while the map moves. */
export interface Placed extends Rect { text: string; city: boolean; at: [number, number] }

/** A candidate: its text, where it may sit (centre of the text), its size, and where on earth it belongs. */
export interface Candidate { text: string; width: number; spots: [number, number][]; city: boolean; at: [number, number] }

export const lineHeight = 15;

export function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** Places candidates in their order; a spot must be free and pass `clear`. */
export function place(list: Candidate[], bounds: Rect, clear: (r: Rect) => boolean, limit: number): Placed[] {
  const out: Placed[] = [];
  for (const c of list) {
    if (out.length >= limit) break;
    for (const [cx, cy] of c.spots) {
      const r = { x: cx - c.width / 2 - 4, y: cy - lineHeight / 2, w: c.width + 8, h: lineHeight };
      const inside = r.x >= bounds.x && r.y >= bounds.y && r.x + r.w <= bounds.x + bounds.w && r.y + r.h <= bounds.y + bounds.h;
      if (!inside || out.some((o) => overlap(o, r)) || !clear(r)) continue;
      out.push({ ...r, text: c.text, city: c.city, at: c.at });
      break;
    }
  }
  return out;
}

/** Country candidates at a view. A name may stick out of its country by a quarter, no more. */
export function countryCandidates(labels: CountryLabel[], camera: Camera, bounds: Rect, measure: (s: string) => number): Candidate[] {
  const out: Candidate[] = [];
  for (const l of labels) {
    const room = widthOn(camera, l), at = room > 4 ? camera.point(l.lon, l.lat) : null;
    if (!at) continue;
    const [x, y] = at;
    if (x + room < bounds.x || x - room > bounds.x + bounds.w || y < bounds.y - 40 || y > bounds.y + bounds.h + 40) continue;
    const width = measure(l.name);
    if (width > room * 1.25) continue;
    const dy = Math.min(40, room * 0.18), dx = Math.max(0, (room - width) * 0.35);
    out.push({
      text: l.name, width, city: false, at: [l.lon, l.lat],
      spots: [[x, y], [x, y + dy], [x, y - dy], [x + dx, y], [x - dx, y], [x + dx, y + dy], [x - dx, y + dy], [x + dx, y - dy], [x - dx, y - dy]],
    });
  }
  return out;
}

/** Pixels of a country's width where its label is; the globe shows it at a slant. */
function widthOn(c: Camera, l: CountryLabel): number {
  if (c.kind !== "globe") return l.width * c.k * flatX(c.kind, l.lat);
  const d = l.lon - c.lon, slant = c.sin * Math.sin(l.lat) + c.cos * Math.cos(l.lat) * Math.cos(d);
  return slant < 0.25 ? 0 : l.width * Math.cos(l.lat) * c.k * Math.min(1, Math.max(0.2, Math.cos(d)));
}

/** A city's name stands beside its spot, a little farther off where the spot glows. */
export function cityCandidate(text: string, width: number, x: number, y: number, radius: number, at: [number, number] = [0, 0]): Candidate {
  const spots: [number, number][] = [];
  for (const r of [radius, radius + 7]) {
    const dx = width / 2 + r + 4, dy = r + lineHeight / 2 + 1, half = width / 2;
    spots.push([x + dx, y], [x - dx, y], [x, y - dy], [x, y + dy]);
    spots.push([x + half, y - dy], [x - half, y - dy], [x + half, y + dy], [x - half, y + dy]);
  }
  return { text, width, city: true, spots, at };
}
