// What stands behind the numbers: the evidence that goes with every page, in words.

import type { Meta } from "./codec";
import { count, date, clock, duration, exact, share, zoneName, type Zone } from "./format";

export interface Line { what: string; text: string; link?: string; code?: boolean; loss?: boolean }

const details: Record<string, string> = {
  places: "sums of places; no address is in this file", addresses: "sums of places, and the top addresses, peers, ports and networks",
  full: "sums of places, and addresses, peers, ports and networks, 250,000 at most",
};

function stamp(t: number, zone: Zone): string {
  return `${date(t, zone, true)} ${clock(t, zone, t % 60_000 !== 0)} ${zoneName(t, zone)}`;
}

/** The window: in UTC, as files and the command line speak, and as the page shows times. */
function windowOf(m: Meta, zone: Zone): string {
  const from = Date.parse(m.from), to = Date.parse(m.to);
  const utc = `${m.from.replace(/\.000Z$/, "Z")} to ${m.to.replace(/\.000Z$/, "Z")}`;
  return to > from ? `${stamp(from, zone)} to ${stamp(to, zone)}, ${duration(to - from)} (${utc}, the end not included)` : "empty";
}

/** How much of the window a sensor was on. */
export function coverageOf(m: Meta): string {
  const spans = m.coverage ?? [], from = Date.parse(m.from), to = Date.parse(m.to), whole = to - from;
  if (spans.length === 0 || whole <= 0) return "not known";
  const of = (state: string) => spans.filter((x) => x.state === state).reduce((sum, x) => sum + Math.max(0, Math.min(to, Date.parse(x.to)) - Math.max(from, Date.parse(x.from))), 0);
  const off = of("off"), idle = of("idle"), gaps = spans.filter((x) => x.state === "off").length;
  if (off === 0) return `the sensor was on all the time${idle > 0 ? `, without any packet for ${duration(idle)}` : ""}`;
  return `the sensor was on ${share(whole - off, whole)} of the time, and off for ${duration(off)} in ${gaps} ${gaps === 1 ? "gap" : "gaps"}`;
}

/** The evidence; coarse is the packets of which no more than the country is known. */
export function proof(m: Meta, zone: Zone, live: boolean, coarse = 0): Line[] {
  const t = m.totals, lines: (Line | false | undefined | "")[] = [
    !!m.note && { what: "Note", text: m.note },
    { what: "Program", text: `packetheat ${m.version || "of unknown version"}` },
    { what: "Sensor", text: m.sensor || "not named" },
    { what: "Window", text: windowOf(m, zone) },
    { what: "Filter", text: m.filter || "none: all traffic with a public endpoint", code: !!m.filter },
    { what: "Coverage", text: coverageOf(m) },
    { what: "Packets", text: `${exact(t.packets)}, ${exact(t.bytes)} bytes on the wire${t.twoPublic > 0 ? `; ${exact(t.twoPublic)} of them between two public addresses, on the map at both ends` : ""}` },
    { what: "Dropped", text: m.drops > 0 ? `${exact(m.drops)} packets were lost by the kernel before they could be read` : "no packet was lost by the kernel", loss: m.drops > 0 },
    { what: "Located", text: `${share(t.located, t.located + t.unlocated)} of the packets; ${coarse > 0 ? `${share(coarse, t.located + t.unlocated)} of all to a country only; ` : ""}${count(t.unlocated)} are on no map` },
    ...(m.geo ?? []).map((g): Line => ({
      what: "Places by", text: [g.name, g.built && `of ${g.built.slice(0, 10)}`, g.attribution && `(${g.attribution})`].filter(Boolean).join(" "), link: g.url?.startsWith("https://") ? g.url : undefined,
    })),
    { what: "Map", text: "outlines of countries by Natural Earth, public domain" },
    { what: "Time steps", text: duration(1000 * m.step) + (m.coarsened ? `; ${m.coarsened}` : "") },
    !live && { what: "Carries", text: details[m.detail ?? ""] ?? details.addresses! },
    !live && !!m.written && { what: "Written", text: stamp(Date.parse(m.written), zone) },
    !!m.command && { what: "Again by", text: m.command, code: true },
  ];
  return lines.filter((l): l is Line => !!l);
}
