// The earth of one view from the picture of another. While a hand carries a flat map
// its scale stays, so each row of pixels is what it was, moved: up or down with all
// others, and to the side by what a meridian is wide at its latitude. To copy rows
// costs a fifth of drawing every coast anew.

import { Camera, flatX, flatY, latOf, tau, wrap, type Flat } from "../projection";

/** A rectangle of device pixels from a picture and where on the screen it goes. */
export interface Piece { sx: number; sy: number; dx: number; dy: number; w: number; h: number }

/** Rows go together while their edges of the earth differ by no more device pixels. */
const ragged = 5;

/** Rows of the table of how wide a meridian is. */
const steps = 256;

/** How wide a radian of longitude is by the height over the equator, in radians of the map. */
class Widths {
  private readonly of = new Float64Array(steps + 2);
  readonly most: number;

  constructor(kind: Flat) {
    this.most = flatY(kind, Math.PI / 2);
    for (let i = 0; i < this.of.length; i++) this.of[i] = flatX(kind, latOf(kind, (i * this.most) / steps));
  }

  at(y: number): number {
    const f = (Math.min(Math.abs(y), this.most) / this.most) * steps, i = Math.floor(f);
    return this.of[i] + (f - i) * (this.of[i + 1] - this.of[i]);
  }
}

const widths = new Map<Flat, Widths>();

function widthsOf(kind: Flat): Widths {
  let w = widths.get(kind);
  if (!w) widths.set(kind, (w = new Widths(kind)));
  return w;
}

/**
 * The pieces of a picture that show what a camera sees: null where the picture does
 * not reach. The picture is what a camera of its size, kind and scale sees, all of
 * it: what is beside the earth there has to be covered. Cameras are of CSS pixels,
 * density of them makes device pixels, in which the pieces are.
 */
export function pieces(picture: Camera, screen: Camera, density: number): Piece[] | null {
  const { kind } = screen;
  if (kind === "globe" || kind !== picture.kind || screen.k !== picture.k) return null;
  const k = screen.k * density, table = widthsOf(kind), list: Piece[] = [];
  const [pw, ph, w, h] = [picture.width, picture.height, screen.width, screen.height].map((v) => Math.round(v * density));
  const left = (pw - w) / 2, turn = wrap(picture.lon - screen.lon);
  const up = Math.round(k * (screen.y0 - picture.y0) - (ph - h) / 2); // a row of the screen, less this, is one of the picture
  const first = Math.max(0, Math.ceil(h / 2 - k * (table.most - screen.y0))), end = Math.min(h, Math.floor(h / 2 + k * (table.most + screen.y0)));
  if (first - up < 0 || end - up > ph) return null;
  for (let row = first; row < end;) {
    const wide = (y: number) => k * table.at(screen.y0 + (h / 2 - y - 0.5) / k);
    const c = wide(row), shift = Math.round(turn * c), half = Math.round(Math.PI * c);
    let next = row + 1;
    for (; next < end; next++) {
      const d = wide(next);
      if (Math.round(turn * d) !== shift || Math.abs(Math.PI * d - half) > ragged) break;
    }
    const put = (from: number, to: number, by: number) => { // columns of the screen, and how far they are moved
      from = Math.max(0, from);
      to = Math.min(w, to);
      if (to > from) list.push({ sx: from - by + left, sy: row - up, dx: from, dy: row, w: to - from, h: next - row });
    };
    if (2 * half > pw) {
      if (left - shift < 0 || left - shift + w > pw) return null;
      put(0, w, shift);
    } else {
      // What leaves the earth on one side comes in on the other, a turn away.
      const middle = w / 2, seam = shift > 0 ? middle - half + shift : middle + half + shift;
      const west = Math.floor(middle - half) - ragged, east = Math.ceil(middle + half) + ragged, at = Math.round(seam);
      put(west, shift === 0 ? east : Math.min(east, at), shift > 0 ? shift - 2 * half : shift);
      if (shift !== 0) put(Math.max(west, at), east, shift > 0 ? shift : shift + 2 * half);
    }
    row = next;
  }
  return list;
}

/** How large a picture of a view is made: with what comes in when the map is carried, as far as that is cheap. */
export function roomy(screen: Camera, density: number): Camera {
  if (screen.kind === "globe") return screen;
  const { kind, k, width, height } = screen, most = 8e6 / density ** 2; // CSS pixels
  const even = (size: number, more: number) => Math.round((size * density) / 2) * 2 + (Math.round(more * density) % 2);
  let w = Math.max(width, Math.min(2 * width, k * tau * flatX(kind, 0) + 2)), h = Math.max(height, Math.min(1.5 * height, 2 * k * (flatY(kind, Math.PI / 2) + Math.abs(screen.y0))));
  if (w * h > Math.max(most, width * height)) [w, h] = [width, height];
  return new Camera(kind, screen.lon, screen.lat, k, even(w, width) / density, even(h, height) / density);
}
