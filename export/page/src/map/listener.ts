// What the map tells, and what it paints.

import type { Scale } from "../scale";

export interface Listener {
  /** The view came to rest after the user, not the program, moved it. */
  moved(centre: { lat: number; lon: number; zoom: number }): void;
  /** A frame was drawn: overlays follow. */
  drawn(): void;
  /** Names are about to be placed on a map that rests: what lies over it goes where it will stand now. */
  naming(): void;
  /** The heat was weighed anew. */
  scaled(scale: Scale | null): void;
}

/** Heat of amounts, half-discs of in and out, or heat of what grew and shrank. */
export type Mode = "volume" | "direction" | "change";
