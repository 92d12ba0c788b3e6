// The map's own colours, apart from the ramp: quiet, so that heat is all that glows.

import type { Theme } from "../ramp";

export interface Colours {
  outside: string; ocean: string; land: string; coast: string; border: string;
  label: string; halo: string; city: string; mark: string; markEdge: string; hollow: string;
}

export const colours: Record<Theme, Colours> = {
  dark: {
    outside: "#090c12", ocean: "#0c1118", land: "#1b222d", coast: "#2a3442", border: "#35404f",
    label: "#a9b4c2", halo: "#0b0f15", city: "#e8edf3", mark: "#ffffff", markEdge: "#0b0f15", hollow: "#9fb0c3",
  },
  light: {
    outside: "#dfe6ec", ocean: "#e9eff4", land: "#fbfbf9", coast: "#c3ced8", border: "#ccd4db",
    label: "#56626f", halo: "#fbfbf9", city: "#16202b", mark: "#10161d", markEdge: "#ffffff", hollow: "#4d5f73",
  },
};
