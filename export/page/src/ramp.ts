// Colour tables for volume: inferno on dark, viridis reversed on light, both by
// Smith and van der Walt (CC0), here as anchors 1/16 apart.

const inferno = [
  "000004", "0b0724", "210c4a", "3b0964", "550f6d", "6a176e", "801f6c", "952667",
  "bc3754", "cb4149", "dd513a", "ea632a", "f37819", "fa9207", "fbb91f", "f4df53", "fcffa4",
];
const viridis = [
  "440154", "481668", "482878", "443a83", "3e4989", "365d8d", "31688e", "297a8e",
  "21918c", "1f9f88", "35b779", "54c568", "6ece58", "90d743", "b5de2b", "dae319", "fde725",
];

export type Theme = "dark" | "light";

/** A table of 256 colours, four bytes each; alpha is left to the heat. */
export type Ramp = Uint8ClampedArray;

/** The weakest visible heat is a little way up the ramp: the ends of both melt into the map. */
const foot = { dark: 0.2, light: 0.06 };

const made = new Map<Theme, Ramp>();

export function ramp(theme: Theme): Ramp {
  let table = made.get(theme);
  if (!table) {
    const anchors = (theme === "dark" ? inferno : [...viridis].reverse()).map(rgb);
    table = new Uint8ClampedArray(256 * 4);
    for (let i = 0; i < 256; i++) {
      const t = (foot[theme] + (1 - foot[theme]) * (i / 255)) * (anchors.length - 1);
      const a = Math.min(anchors.length - 2, Math.floor(t)), f = t - a;
      for (let c = 0; c < 3; c++) table[4 * i + c] = anchors[a][c] + f * (anchors[a + 1][c] - anchors[a][c]);
      table[4 * i + 3] = 255;
    }
    made.set(theme, table);
  }
  return table;
}

/** The ramp as a CSS gradient, for the legend. */
export function gradient(theme: Theme): string {
  const table = ramp(theme), stops = [];
  for (let i = 0; i <= 15; i++) {
    const at = 4 * i * 17;
    stops.push(`rgb(${table[at]} ${table[at + 1]} ${table[at + 2]})`);
  }
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

function rgb(hex: string): number[] {
  return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
}
