// Signals of the page itself, not of the data.

import { signal } from "@preact/signals";
import type { MapView } from "./map/view";
import type { Scale } from "./scale";
import type * as Surround from "./ui/surround";
import type { World } from "./world";

export const world = signal<World | null>(null);

/** A sentence, if the page cannot show anything at all. */
export const broken = signal("");

/** The map, once it is there; for parts that ask it where something is. */
export const map = signal<MapView | null>(null);

/** What is around the map; null until the map has been drawn. */
export const surround = signal<typeof Surround | null>(null);

/** The legend's scale; null without data. */
export const scale = signal<Scale | null>(null);

/** Sends the legend to its corner, once there is one. */
export const settle = signal<(() => void) | null>(null);

/** Grows with each frame that was drawn. */
export const frames = signal(0);

/** Are the filters open, on a phone? */
export const sheet = signal(false);

/** Is the list of keys open? */
export const help = signal(false);

/** On a phone: is the list drawn up over most of the map? */
export const tall = signal(false);

/** Is the sheet with files, picture and links open? */
export const sharing = signal(false);

/** Is the sheet with the alerts open? */
export const alerting = signal(false);

/** Is the sheet with the evidence open? */
export const about = signal(false);
