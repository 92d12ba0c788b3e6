// Which places are those of networks that answer from many places at once: they get a
// ring, for nobody knows where they are. A file names addresses with their labels; live
// the sensor is asked, for what is known to its country only.

import { computed, effect, signal } from "@preact/signals";
import { json } from "./api";
import type { TopAnswer } from "./lists";
import { asked, status } from "./live";
import { anycast as label, anycastPlaces, placesIn } from "./map/tint";
import * as model from "./model";

/** Live: the countries that addresses with the label are registered in, and no more is known of them. */
const registered = signal<ReadonlySet<string>>(new Set());

/** The places that nobody can know, by number. */
export const nowhere = computed<ReadonlySet<number>>(() => {
  const d = model.dataset.value;
  if (!d) return new Set();
  if (!model.live.value) return anycastPlaces(d);
  model.revision.value; // ticks bring places
  return placesIn(d, registered.value);
});

/** More addresses than any window of ours has had. */
const most = "10000";

/** Asks once for each answer about a whole window, behind it: rings can wait. */
export function follow(): void {
  let number = 0;
  effect(() => {
    const d = model.dataset.value, known = status.value.labels?.includes(label);
    if (!d || !known || model.refining.peek() < 1) return;
    const mine = ++number, { located, country, n } = d.places;
    if (!country.some((code, i) => i < n && code && !located[i])) return; // nothing to ring
    json<TopAnswer>("top", { by: "ip", n: most, from: d.meta.from, to: d.meta.to, filter: asked(`label:${label}`) }).then(
      (a) => mine === number && (registered.value = new Set(a.rows.flatMap((r) => (r.country && r.latitude === undefined ? [r.country] : [])))),
      () => {},
    );
  });
}
