// The marks of places that are drawn over the heat, or instead of it.

import type { Scale } from "../scale";
import type { Colours } from "./colours";
import { clusters, drawHalves, type Split } from "./halves";
import { apart } from "./naming";
import { drawMarkers } from "./paint";
import type { Spots } from "./spots";
import type { Camera } from "../projection";

interface Scene { spots: Spots; split: Split | null; rate: number; mode: string; markers: boolean; shown: Float64Array; camera: Camera; scale: Scale | null }

/** The places that have marks, and in direction mode how far the disc of each reaches. */
export interface Marks { marked: number[]; discs: Map<number, number> | null }

/** Draws half-discs in direction mode, dots where places are few, else nothing. */
export function drawMarks(ctx: CanvasRenderingContext2D, m: Scene, seen: number[], c: Colours): Marks {
  if (m.split && m.mode === "direction") {
    const found = m.scale ? clusters(m.spots, seen, m.split, m.rate, m.scale, m.camera.width) : [];
    if (found.length) drawHalves(ctx, found, c);
    return { marked: found.map((d) => d.place), discs: new Map(found.map((d) => [d.place, Math.max(d.left, d.right)])) };
  }
  const marked = m.markers ? apart(m.spots, seen, m.camera) : [];
  if (marked.length) drawMarkers(ctx, m, marked, m.shown, c);
  return { marked, discs: null };
}
