// What a card can be about, and what that is in a link, in the filter language and to
// the sensor.

import { kinds } from "./codec";
import { coordinates, placeKey, type Dataset } from "./dataset";
import { quote } from "./query/language";
import { tabs, type Tab } from "./state";

export interface Subject {
  tab: Tab;
  key: string; // a placeKey, a country code, an AS number, an address, a peer, or tcp/443
}

/** As state and links have it: places bare, others behind their kind. */
export function idOf(s: Subject): string {
  return s.tab === "place" ? s.key : `${s.tab}:${s.key}`;
}

export function subjectOf(id: string | null): Subject | null {
  if (!id) return null;
  const colon = id.indexOf(":"), tab = tabs.find((t) => t !== "place" && t === id.slice(0, colon));
  return tab ? { tab, key: id.slice(colon + 1) } : { tab: "place", key: id };
}

/** Where keys were found last: a card asks for the same one with every step of a playback. */
const found = new WeakMap<Dataset, Map<string, number>>();

/** The index of a place by its key, or -1. */
export function placeAt(d: Dataset, key: string): number {
  let known = found.get(d);
  if (!known) found.set(d, (known = new Map()));
  const had = known.get(key);
  if (had !== undefined && had < d.places.n && placeKey(d.places, had) === key) return had;
  for (let i = 0; i < d.places.n; i++) {
    if (placeKey(d.places, i) !== key) continue;
    known.set(key, i);
    return i;
  }
  return -1;
}

/** The places of a subject that rows tell; undefined: rows do not tell. */
export function placesOf(s: Subject, d: Dataset): Uint8Array | undefined {
  const mask = new Uint8Array(d.places.n);
  if (s.tab === "place") {
    const at = placeAt(d, s.key);
    if (at >= 0) mask[at] = 1;
  } else if (s.tab === "country") {
    for (let i = 0; i < mask.length; i++) if (d.places.country[i] === s.key) mask[i] = 1;
  } else return undefined;
  return mask;
}

/** The terms that ask for it; "": the language has none (traffic without a place, a port or an AS). */
export function termOf({ tab, key }: Subject, d: Dataset | null): string {
  switch (tab) {
    case "place": {
      const at = d ? placeAt(d, key) : -1;
      if (!d || at < 0) return "";
      const p = d.places;
      if (p.located[at]) return `place:${coordinates(p, at)}`;
      return p.country[at] ? `country:${p.country[at]}` : "";
    }
    case "country": return key ? `country:${key}` : "";
    case "network": return /^[1-9]\d*$/.test(key) ? `asn:${key}` : "";
    case "address": return key ? `ip:${quote(key)}` : "";
    case "peer": return key ? `peer:${quote(key)}` : "";
    case "port": {
      const { proto, port } = portOf(key);
      return port === 0 ? "" : ["tcp", "udp", "sctp"].includes(proto) ? `proto:${proto} port:${port}` : `port:${port}`;
    }
  }
}

/** What is left out when it is excluded: a port whatever its protocol, for "not (a and b)" cannot be said. */
export function excludedBy(s: Subject, d: Dataset | null): string {
  const term = termOf(s, d);
  return s.tab === "port" ? term.replace(/^proto:\S+ /, "") : term;
}

export function portOf(key: string): { proto: string; port: number } {
  const [proto, port] = key.split("/");
  return { proto, port: Number(port) || 0 };
}

/** The kind of details that a tab lists; undefined: rows tell. */
export const kindOf: Partial<Record<Tab, number>> = { network: kinds.as, address: kinds.address, peer: kinds.peer, port: kinds.port };

/** The dimension that the sensor lists them by. */
export const dimensionOf: Record<Tab, string> = { place: "place", country: "country", network: "asn", address: "ip", peer: "peer", port: "port" };
