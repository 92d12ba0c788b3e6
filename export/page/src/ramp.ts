// Colour tables. For volume: inferno, magma and viridis by Smith and van der Walt
// (CC0) and cividis by Nuñez, Anderton and Renslow (CC0), here as anchors at even
// distances. All run one way in brightness, so that they read in grey and for the
// colour-blind. For change: purple and green away from a neutral middle, after
// ColorBrewer's PRGn.

const anchors = {
  inferno: [
    "000004", "0b0724", "210c4a", "3b0964", "550f6d", "6a176e", "801f6c", "952667",
    "bc3754", "cb4149", "dd513a", "ea632a", "f37819", "fa9207", "fbb91f", "f4df53", "fcffa4",
  ],
  viridis: [
    "440154", "481668", "482878", "443a83", "3e4989", "365d8d", "31688e", "297a8e",
    "21918c", "1f9f88", "35b779", "54c568", "6ece58", "90d743", "b5de2b", "dae319", "fde725",
  ],
  magma: [
    "000004", "0b0924", "20114b", "3b0f70", "57157e", "721f81", "8c2981", "a8327d",
    "c43c75", "de4968", "f1605d", "fa7f5e", "fe9f6d", "febf84", "fddea0", "fcfdbf",
  ],
  cividis: [
    "002051", "012b65", "11366c", "26426e", "3c4d6e", "51586e", "62646f", "727071",
    "7f7c75", "8c8877", "9a9478", "a9a177", "bbaf71", "cebd68", "e2cb5c", "f3da4f", "fdea45",
  ],
};

const changes = {
  dark: [["3c2f4d", "8f5fb8", "c79bf0", "f0dcff"], ["24402f", "3c9a63", "6fdc9a", "d6ffe4"]],
  light: [["d9c3dd", "a97bb8", "762a83", "40004b"], ["c0e0bb", "6db673", "1b7837", "00441b"]],
} as const;

export type Theme = "dark" | "light";

/** What a map may be coloured with; auto is inferno on dark and viridis on light. */
export const palettes = ["auto", "inferno", "viridis", "magma", "cividis"] as const;
export type Palette = (typeof palettes)[number];

/** A table of 256 colours, four bytes each; alpha is left to the heat. */
export type Ramp = Uint8ClampedArray;

/** The weakest visible heat is a little way up the ramp: the ends of both melt into the map. */
const foot = { dark: 0.2, light: 0.06 };

const made = new Map<string, Ramp>();

/** From weak to strong: brighter on dark, darker on light. */
export function ramp(theme: Theme, palette: Palette = "auto"): Ramp {
  const name = palette === "auto" ? (theme === "dark" ? "inferno" : "viridis") : palette, id = theme + name;
  let table = made.get(id);
  if (!table) {
    const list = anchors[name];
    made.set(id, (table = build(theme === "dark" ? list : [...list].reverse(), foot[theme])));
  }
  return table;
}

/** From little to much, for what shrank and what grew. */
export function changeRamps(theme: Theme): { less: Ramp; more: Ramp } {
  const get = (i: 0 | 1) => {
    const id = theme + i;
    let table = made.get(id);
    if (!table) made.set(id, (table = build(changes[theme][i], 0)));
    return table;
  };
  return { less: get(0), more: get(1) };
}

function build(list: readonly string[], from: number): Ramp {
  const rgb = list.map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  const table = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    const t = (from + (1 - from) * (i / 255)) * (rgb.length - 1);
    const a = Math.min(rgb.length - 2, Math.floor(t)), f = t - a;
    for (let c = 0; c < 3; c++) table[4 * i + c] = rgb[a][c] + f * (rgb[a + 1][c] - rgb[a][c]);
    table[4 * i + 3] = 255;
  }
  return table;
}

/** A ramp as a CSS gradient, for the legend. */
export function gradient(...tables: Ramp[]): string {
  const stops: string[] = [];
  for (const table of tables) {
    for (let i = 0; i <= 15; i++) {
      const at = 4 * i * 17;
      stops.push(`rgb(${table[at]} ${table[at + 1]} ${table[at + 2]})`);
    }
  }
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

/** The same table from its end to its start. */
export function reversed(table: Ramp): Ramp {
  const out = new Uint8ClampedArray(table.length);
  for (let i = 0; i < 256; i++) out.set(table.subarray(4 * i, 4 * i + 4), 4 * (255 - i));
  return out;
}
