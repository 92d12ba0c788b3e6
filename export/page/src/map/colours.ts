// The map's own colours, apart from the ramp: quiet, so that heat is all that glows.

import type { Theme } from "../ramp";

export interface Colours {
  outside: string; ocean: string; lit: string; grid: string; land: string; coast: string; border: string;
  label: string; halo: string; city: string; mark: string; markEdge: string; hollow: string;
  /** Half-discs and the stripes of the right one; arcs. */
  in: string; out: string; stripe: string; arc: string;
}

export const colours: Record<Theme, Colours> = {
  dark: {
    outside: "#090c12", ocean: "#0c1118", lit: "#141d29", grid: "#1c2632", land: "#1f2733", coast: "#323e4d", border: "#3c4859",
    label: "#a9b4c2", halo: "#0b0f15", city: "#e8edf3", mark: "#ffffff", markEdge: "#0b0f15", hollow: "#9fb0c3",
    in: "#6ea8fe", out: "#f0a35e", stripe: "#8a4d14", arc: "#bfe9e4",
  },
  light: {
    outside: "#dfe6ec", ocean: "#e9eff4", lit: "#f4f8fb", grid: "#d9e1e8", land: "#fbfbf9", coast: "#c3ced8", border: "#ccd4db",
    label: "#56626f", halo: "#fbfbf9", city: "#16202b", mark: "#10161d", markEdge: "#ffffff", hollow: "#4d5f73",
    in: "#2563c9", out: "#d9772b", stripe: "#fff1e0", arc: "#0f766e",
  },
};
