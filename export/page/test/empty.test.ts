import { describe, expect, test, vi } from "vitest";
import { explain, words, type Facts } from "../src/empty";

vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {} }));
const { closest } = await import("../src/facts");

const at = (t: string) => Date.parse(`2026-11-17T${t}Z`);
const facts: Facts = {
  live: true, zone: "utc", connection: "live", refused: false, data: true, packets: 0, unlocated: 0, filter: "", switched: false, picked: false, without: {},
  window: [at("14:00:00"), at("15:00:00")], off: false, waiting: [], rates: [],
};
const books = { captured: 0, local: 0, public: 0 }, late = { books, since: 60_000 };
const rates = [{ name: "eth0", captured: true, perSecond: 0 }, { name: "wlan0", captured: false, perSecond: 40 }, { name: "lo", captured: false, perSecond: 2 }];

describe("an empty map", () => {
  test("is not explained where there is something", () => {
    expect(explain({ ...facts, packets: 5, unlocated: 4 })).toBeNull();
    expect(explain({ ...facts, live: false, data: false })).toBeNull(); // a file is being read
  });

  const cases: [string, Partial<Facts>, RegExp, string][] = [
    ["starting", { data: false }, /^Starting/, ""],
    ["the sensor says why", { data: false, message: "The store is being checked." }, /being checked/, ""],
    ["the question is wrong", { data: false, refused: true }, /^The sensor cannot answer this question/, "Show everything"],
    ["nobody answers", { data: false, connection: "lost" }, /does not answer/, "Try now"],
    ["just started", { books, since: 4000 }, /^Starting/, ""],
    ["no packets", { ...late, rates }, /^No packets on eth0 so far\.$/, "packetheat run --interface wlan0"],
    ["an interface that is down", { ...late, waiting: ["eth0 waiting: link is down"], rates }, /^Nothing is captured: eth0 waiting: link is down\.$/, "packetheat run --interface wlan0"],
    ["only local traffic", { books: { ...books, captured: 900, local: 812 }, since: 60_000, rates }, /^Only traffic between local addresses on eth0: 812 packets\.$/, "packetheat run --interface wlan0"],
    ["only local traffic, nothing else", { books: { ...books, captured: 900, local: 1 }, since: 60_000, rates: rates.slice(0, 1) }, /: 1 packet\.$/, "packetheat demo"],
    ["only local traffic, and a busy loopback", { books: { ...books, captured: 900, local: 1 }, since: 60_000, rates: [rates[0], { name: "lo", captured: false, perSecond: 500 }] }, /: 1 packet\.$/, "packetheat demo"],
    ["only ARP and such", { books: { ...books, captured: 12 }, since: 60_000, rates }, /^12 packets on eth0, none of them/, "packetheat run --interface wlan0"],
    ["a quiet window", { books: { ...books, captured: 12, public: 9 } }, /^No packets from or to public addresses/, "Show the last 24 hours"],
    ["a store that nobody writes", {}, /^No packets from or to/, "Show the last 24 hours"],
    ["no GeoIP", { packets: 7, unlocated: 7, geo: "no GeoIP database is in use" }, /^7 packets were seen, but none could be placed on the map: no GeoIP database is in use$/, "packetheat geo status"],
    ["the filter", { filter: 'country:DE city:"New York"', without: { lastTerm: 1200 } }, /^Nothing matches the filter; without “city:"New York"” there are 1,200 packets\.$/, 'Take out city:"New York"'],
    ["the filter, all of it", { filter: "country:DE port:1", without: { lastTerm: 0 } }, /^Nothing matches the filter\.$/, "Show everything"],
    ["the switches", { filter: "country:DE", switched: true, without: { switches: 3, time: 0 } }, /^Nothing is left by the switches above; without them there are 3 packets\.$/, "Show all kinds of traffic"],
    ["the brush", { picked: true, without: { time: 1 } }, /in all of the window there are 1 packet\.$/, "Show all of the time"],
    ["the sensor was off", { off: true, nearest: [at("11:00:00"), at("12:00:00")] }, /^No sensor was on in this window\. The nearest data is 2 h earlier\.$/, "Go to Tue 17 Nov"],
    ["the sensor was off before", { off: true, nearest: [at("15:30:00"), at("16:30:00")] }, /30 min later\.$/, "Go to Tue 17 Nov"],
    ["years from anything", { off: true, nearest: [Date.UTC(2020, 0, 1), Date.UTC(2020, 0, 2)] }, /6\.9 years earlier\.$/, "Go to Wed 1 Jan 2020"],
    ["no sensor ever ran", { off: true }, /^No sensor was on/, "packetheat run"],
    ["what has expired", { filter: "ip:192.0.2.1", addressesFrom: at("16:00:00") }, /no longer kept, the places are/, "Show the places"],
    ["a country never expires", { filter: "country:AQ", addressesFrom: at("16:00:00") }, /^Nothing matches the filter\.$/, "Show everything"],
    ["a file, and what it says", { live: false, message: "Only local traffic was seen." }, /^Only local traffic was seen\.$/, ""],
    ["a file of a time when the sensor was off", { live: false, off: true }, /This file has no other time: ask the sensor\.$/, "packetheat export html -o map.html --last 24h"],
    ["a file without anything", { live: false }, /^No public traffic/, "packetheat demo"],
  ];
  test.each(cases)("%s", (_, given, text, action) => {
    vi.setSystemTime(at("16:00:00"));
    const n = explain({ ...facts, ...given })!;
    expect(n.text).toMatch(text);
    expect(n.label ?? n.code ?? "").toBe(action);
    expect(n.text.split(/[.!?](?:\s|$)/).filter(Boolean).length, n.text).toBeLessThanOrEqual(2);
    vi.useRealTimers();
  });

  test("terms are split like the filter language is", () => {
    expect(words('a:1 city:"New York",Paris -port:53')).toEqual(["a:1", 'city:"New York",Paris', "-port:53"]);
    expect(words("")).toEqual([]);
  });

  test.each([
    [[10, 20, 90], 40, 60, [10, 30]], [[10, 90], 50, 70, [90, 110]], [[90], 0, 20, [90, 110]], [[10], 40, 60, [0, 20]], [[10], 40, 42, [10, 20]],
  ])("the nearest data of %j to %i–%i", (bins, from, to, want) => expect(closest(bins, 10, from, to)).toEqual(want));
});
