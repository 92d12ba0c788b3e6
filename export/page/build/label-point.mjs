/**
 * The point inside a ring that is farthest from its edge, where a label sits
 * best, and the width of the ring at that height. The ring is in plane units.
 * A grid is refined around its best cell five times: exact enough for text.
 */
export function labelPoint(ring) {
  const xs = ring.map((p) => p[0]), ys = ring.map((p) => p[1]);
  let x0 = Math.min(...xs), x1 = Math.max(...xs), y0 = Math.min(...ys), y1 = Math.max(...ys);
  let best = { x: (x0 + x1) / 2, y: (y0 + y1) / 2, d: -Infinity };
  const n = 14;
  for (let round = 0; round < 5; round++) {
    const dx = (x1 - x0) / n, dy = (y1 - y0) / n;
    for (let i = 0; i <= n; i++)
      for (let j = 0; j <= n; j++) {
        const x = x0 + i * dx, y = y0 + j * dy;
        const d = inside(ring, x, y) ? distance(ring, x, y) : -1;
        if (d > best.d) best = { x, y, d };
      }
    x0 = best.x - dx; x1 = best.x + dx; y0 = best.y - dy; y1 = best.y + dy;
  }
  return { x: best.x, y: best.y, width: span(ring, best.x, best.y) };
}

function inside(ring, x, y) {
  let odd = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i], [xj, yj] = ring[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}

/** Distance to the edge; height counts double, for labels are wider than tall. */
function distance(ring, x, y) {
  let min = Infinity;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const ax = ring[j][0] - x, ay = 2 * (ring[j][1] - y), bx = ring[i][0] - x, by = 2 * (ring[i][1] - y);
    const vx = bx - ax, vy = by - ay, l = vx * vx + vy * vy;
    const t = l ? Math.max(0, Math.min(1, -(ax * vx + ay * vy) / l)) : 0;
    min = Math.min(min, Math.hypot(ax + t * vx, ay + t * vy));
  }
  return min;
}

/** The width of the ring on the horizontal line through x, y. */
function span(ring, x, y) {
  let left = -Infinity, right = Infinity;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i], [xj, yj] = ring[j];
    if (yi > y === yj > y) continue;
    const at = ((xj - xi) * (y - yi)) / (yj - yi) + xi;
    if (at <= x) left = Math.max(left, at);
    else right = Math.min(right, at);
  }
  return right - left || 0;
}
