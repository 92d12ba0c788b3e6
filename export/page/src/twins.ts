// Places that bear the same name, told apart: by what is nearest to hand that differs.

/** As much of a line of a list as this needs. */
interface Named { label: string; note: string; place?: string }

/**
 * Lines of one name and note get their region, and those that are still alike their
 * coordinates instead: there is room for one of the two. A line that is alone with its
 * name stays as it is.
 */
export function toldApart<T extends Named>(items: T[]): T[] {
  const named = twins(items, (i) => `${i.label}|${i.note}`);
  if (named.size === 0) return items;
  const region = (i: T) => i.place?.split("|")[2] ?? "", still = twins([...named], (i) => `${i.label}|${i.note}|${region(i)}`);
  return items.map((i) => {
    if (!named.has(i) || !i.place) return i;
    const [spot, country] = i.place.split("|"), [lat, lon] = spot.split(",");
    if (still.has(i) && lon) return { ...i, note: `${Number(lat).toFixed(2)}, ${Number(lon).toFixed(2)} · ${country}` };
    return region(i) && region(i) !== i.label ? { ...i, note: `${region(i)} · ${i.note}` } : i;
  });
}

/** Those of which there are several, by an id. */
function twins<T>(items: readonly T[], id: (i: T) => string): Set<T> {
  const by = new Map<string, T[]>();
  for (const i of items) {
    const had = by.get(id(i));
    if (had) had.push(i);
    else by.set(id(i), [i]);
  }
  return new Set([...by.values()].filter((l) => l.length > 1).flat());
}
