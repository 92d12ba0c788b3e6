// What browser tests may ask the page; nothing of the page depends on it.

import * as live from "./live";
import * as model from "./model";
import { map, scale, surround } from "./page";
import { rad } from "./projection";

const hook = {
  /** A frame has shown the data. */
  get painted(): boolean {
    return map.value?.painted ?? false;
  },
  /** The page is complete: the data are on the map with its names, around it is what belongs there, and hands can move it. */
  get ready(): boolean {
    return !!map.value?.complete && !!surround.value && map.value.handed;
  },
  /** The page's pixel of a place on the globe. */
  project(lon: number, lat: number): [number, number] | null {
    const m = map.value;
    if (!m) return null;
    const at = m.camera.point(lon * rad, lat * rad), box = document.querySelector("canvas.map")!.getBoundingClientRect();
    return at && [at[0] + box.left, at[1] + box.top];
  },
  get counts() {
    const d = model.dataset.value, s = model.sums.value;
    return {
      rows: d?.rows.n ?? 0, places: d?.places.n ?? 0, details: d?.details.n ?? 0, active: s?.active ?? 0,
      packets: s?.totalPackets ?? 0, bytes: s?.totalBytes ?? 0, countries: s?.countries ?? 0, unlocated: s?.unlocated ?? 0,
    };
  },
  /** The end of the newest tick that is shown, ms. */
  get until(): number {
    return model.dataset.value?.to ?? 0;
  },
  get scale() {
    return scale.value;
  },
  get labels() {
    return map.value?.names.placed.map((l) => ({ ...l })) ?? [];
  },
  get markers(): boolean {
    return map.value?.markers ?? false;
  },
  get mode(): string {
    return map.value?.mode ?? "";
  },
  /** Milliseconds that the last frames took. */
  get took(): number[] {
    return map.value?.took ?? [];
  },
  get connection() {
    return live.connection.value;
  },
};

(window as unknown as { __packetheat: typeof hook }).__packetheat = hook;
