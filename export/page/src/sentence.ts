// The answer in words: row 1 of the page, the heading of the picture, what is read out.

import type { Totals } from "./codec";
import { bytes, count, exact, share, span, type Zone } from "./format";
import type { Sums } from "./sums";

/** A part of the sentence: its runs of text, with the strength they have on the page. */
export interface Piece { runs: [text: string, strength?: "strong" | "quiet" | "loss"][]; title?: string }

/** What the kernel lost; most: some of it may be of just before or behind the time. */
export interface Drops { n: number; most?: boolean }

export interface Said {
  from: number;
  to: number;
  zone: Zone;
  blank: boolean; // no sensor was on
  part: boolean; // a filter, a switch or a brush leaves a part only
  totals: Totals;
  drops: Drops;
  sums: Pick<Sums, "totalPackets" | "totalBytes" | "countries" | "unlocated" | "coarse">;
}

export function pieces({ from, to, zone, blank, part, totals, drops, sums: v }: Said): Piece[] {
  const out: Piece[] = from < to ? [{ runs: [[span(from, to, zone)]] }] : [];
  if (blank) return [...out, { runs: [["no data: the sensor was off"]] }];
  // With two ends on the map a packet is in two rows; a part can only count ends.
  const word = part && totals.twoPublic > 0 ? "endpoint-packets" : "packets";
  const shownPackets = part ? v.totalPackets : totals.packets, shownBytes = part ? v.totalBytes : totals.bytes, ends = v.totalPackets;
  const amount: Piece = { runs: [[count(shownPackets), "strong"]], title: `${exact(shownPackets)} packets, ${exact(shownBytes)} bytes` };
  if (part && shownPackets !== totals.packets) amount.runs.push([` of ${count(totals.packets)}`, "quiet"]);
  amount.runs.push([` ${word}, `], [bytes(shownBytes), "strong"]);
  out.push(amount);
  if (!part && totals.twoPublic > 0) {
    out.push({ runs: [[`${share(totals.twoPublic, totals.packets)} on the map at both ends`]], title: "A packet between two public addresses is on the map at both ends, and counted once here" });
  }
  out.push({ runs: [[String(v.countries), "strong"], [v.countries === 1 ? " country" : " countries"]] });
  if (ends > 0) out.push({ runs: [[`${share(ends - v.unlocated, ends)} located`]], title: whereabouts(v) });
  const lost = `${exact(drops.n)} packets lost by the kernel before they could be read`;
  out.push({ runs: [[`${drops.most && drops.n > 0 ? "up to " : ""}${count(drops.n)} dropped`, drops.n > 0 ? "loss" : undefined]], title: drops.most ? `${lost}, some of them perhaps just outside of this time` : lost });
  return out;
}

/** How many have a place, and of how many it is no more than a country: the legend gives their share. */
export const whereabouts = (v: Pick<Sums, "totalPackets" | "unlocated" | "coarse">): string =>
  `${exact(v.totalPackets - v.unlocated)} of ${exact(v.totalPackets)} packets have a place; of ${exact(v.coarse)} it is known to the country only`;

/**
 * The longest that the sentence gets for all of a window and for a part of it: row 1
 * keeps their room, so that no filter moves the map.
 */
export function longest(s: Said): Piece[][] {
  const n = 8_888_888, sums = { ...s.sums, totalPackets: n, totalBytes: n, countries: 188, unlocated: 0 };
  return [pieces({ ...s, part: false, blank: false, sums }), pieces({ ...s, part: true, blank: false, sums })];
}

/** A piece as plain text. */
export const plain = (p: Piece): string => p.runs.map(([text]) => text).join("");
