// Looks at what is on the screen.
import { inflateSync } from "node:zlib";

/** The page's pixels, four octets each. */
export const pixels = async (page) => decoded(Buffer.from(await page.screenshot({ encoding: "base64" }), "base64"));

/**
 * Decodes a PNG as browsers write them: eight bits a sample, RGB or RGBA, not interlaced.
 * (To have a browser decode it takes seconds: all pixels pass its protocol as text.)
 */
export function decoded(png) {
  const head = png.subarray(16, 29), [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  const samples = { 2: 3, 6: 4 }[head[9]];
  if (head[8] !== 8 || !samples || head[12] !== 0) throw new Error(`a PNG with header ${head.toString("hex")} is not one of a browser`);
  const packed = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") packed.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const raw = inflateSync(Buffer.concat(packed)), row = width * samples, data = Buffer.alloc(4 * width * height, 255);
  let above = new Uint8Array(row);
  for (let y = 0; y < height; y++) {
    const line = raw.subarray(y * (row + 1) + 1, (y + 1) * (row + 1));
    unfilter[raw[y * (row + 1)]](line, above, samples);
    for (let x = 0; x < width; x++) for (let s = 0; s < samples; s++) data[4 * (y * width + x) + s] = line[x * samples + s];
    above = line;
  }
  return { width, data };
}

/** The filters of PNG (ISO/IEC 15948, 9.2), undone in place: of a line, by what is left of each octet and above it. */
const unfilter = [
  () => {},
  (l, _, n) => { for (let i = n; i < l.length; i++) l[i] += l[i - n]; },
  (l, up) => { for (let i = 0; i < l.length; i++) l[i] += up[i]; },
  (l, up, n) => { for (let i = 0; i < l.length; i++) l[i] += ((i < n ? 0 : l[i - n]) + up[i]) >> 1; },
  (l, up, n) => {
    for (let i = 0; i < l.length; i++) {
      const a = i < n ? 0 : l[i - n], b = up[i], c = i < n ? 0 : up[i - n], p = a + b - c;
      const da = Math.abs(p - a), db = Math.abs(p - b), dc = Math.abs(p - c);
      l[i] += da <= db && da <= dc ? a : db <= dc ? b : c;
    }
  },
];

/** How far apart two screens are at a point, or each at one of its own: the sum over red, green and blue. */
export function difference(a, b, p, q = p) {
  const at = (s, [x, y]) => 4 * (Math.round(y) * s.width + Math.round(x)), i = at(a, p), j = at(b, q);
  return [0, 1, 2].reduce((sum, c) => sum + Math.abs(a.data[i + c] - b.data[j + c]), 0);
}
