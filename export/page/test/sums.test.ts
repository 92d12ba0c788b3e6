import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "../src/codec";
import { Dataset, placeKey } from "../src/dataset";
import { ask } from "../src/filter";
import { parseNet } from "../src/query/nets";
import { keyMask } from "../src/state";
import { heaviest, sum, top, weights } from "../src/sums";

const golden = () => new Dataset(parse(new Uint8Array(readFileSync(new URL("../testdata/vector.phcols", import.meta.url)))));
const all = { keys: 0xffff, from: 0, to: 1e9 };
const place = (d: Dataset, city: string) => d.places.city.indexOf(city);

describe("sums", () => {
  test("are exact, by place and direction", () => {
    const d = golden(), s = sum(d, all), berlin = place(d, "Berlin");
    expect([s.packets[0][berlin], s.packets[1][berlin], s.bytes[1][berlin], s.opens[berlin]]).toEqual([3 + 5, 1024, 1_515_536, 4]);
    expect(weights(s, "packets")[berlin]).toBe(1027 + 5);
    expect(s.unlocated).toBe(7);
    expect(s.countries).toBe(4);
  });

  test("protocols and directions leave out what they should", () => {
    const d = golden(), berlin = place(d, "Berlin");
    expect(sum(d, { ...all, keys: keyMask(0b1111, "in") }).packets[1][berlin]).toBe(0);
    expect(sum(d, { ...all, keys: keyMask(0b0001, "in") }).totalPackets).toBe(3 + 5);
    expect(sum(d, { ...all, keys: keyMask(0b0100, "both") }).totalPackets).toBe(65_535);
    expect(keyMask(0b1111, "both")).toBe(0xffff);
  });

  test("big clouds are hidden as a whole, and nothing else is", () => {
    const d = golden(), s = sum(d, { ...all, keys: keyMask(0b1111, "both", false) });
    expect(s.packets[0][place(d, "Berlin")]).toBe(3);
    expect(sum(d, all).totalPackets - s.totalPackets).toBe(5 + 2);
    expect(ask(d, "-label:cloud").keys).toBe(0x00ff);
    expect(sum(d, { ...all, keys: ask(d, "label:cloud").keys }).totalPackets).toBe(5 + 2);
  });

  test("a stretch of time counts its bins, the series all of them", () => {
    const d = golden(), s = sum(d, { ...all, from: 300, to: 360 });
    expect(s.totalPackets).toBe(1);
    expect(s.series.packets[0]).toBe(2 + 1024 + 5);
    expect(s.series.packets[359]).toBe(1);
  });

  test("runs that joined later count like those before", () => {
    const d = golden(), once = sum(d, all);
    d.append(golden());
    const twice = sum(d, all);
    expect(twice.totalPackets).toBe(2 * once.totalPackets);
    expect(Array.from(twice.opens)).toEqual(Array.from(once.opens, (n) => 2 * n));
  });

  test("the heaviest are found without what does not count", () => {
    const w = Float64Array.from([5, 0, 0.5, 1e15, 70, 3]);
    expect(Array.from(heaviest(w, 6, () => true))).toEqual([3, 4, 0, 5, 2]);
    expect(Array.from(heaviest(w, 5, (i) => i !== 3))).toEqual([4, 0, 2]);
    expect(heaviest(w, 0, () => true)).toHaveLength(0);
  });

  test("the largest come first", () => {
    const n = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 5000);
    expect(top([...n], 3, (x) => x)).toEqual([4999, 4998, 4997]);
    expect(top([2, 1], 3, (x) => x)).toEqual([2, 1]);
  });
});

describe("a live window", () => {
  test("grows by a tick, with new places and old", () => {
    const d = golden(), before = sum(d, all), more = golden();
    more.meta = { ...more.meta, start: "2026-11-17T14:30:00Z", step: 10 };
    more.places.city[place(more, "Suva")] = "Nadi";
    d.append({ meta: more.meta, places: more.places, rows: more.rows, details: more.details });
    const s = sum(d, all), berlin = place(d, "Berlin");
    expect(d.places.n).toBe(6);
    expect(placeKey(d.places, 5)).toContain("Nadi");
    expect(s.packets[1][berlin]).toBe(2 * before.packets[1][berlin]);
    expect(s.series.packets[180]).toBe(2 + 1024 + 5); // 14:30 is bin 180
  });

  test("the open tick is no gap", () => {
    const d = golden(), at = (t: string) => Date.parse(`2026-11-17T${t}Z`);
    expect(d.gaps()).toEqual([[at("14:20:00"), at("15:00:00")]]);
    d.meta = { ...d.meta, coverage: [{ from: "2026-11-17T14:59:50Z", to: "2026-11-17T15:00:00Z", state: "off" }] };
    expect(d.gaps().map((g) => d.stillOpen(g))).toEqual([true]);
    expect(d.stillOpen([at("14:20:00"), at("15:00:00")])).toBe(false);
  });

  test("slides, and its headline with it", () => {
    const d = golden();
    d.meta = { ...d.meta, from: "2026-11-17T14:01:20Z", to: "2026-11-17T15:00:00Z" }; // bin 8
    d.countWindow();
    expect(d.meta.totals.packets).toBe(1 + 9 + 2);
    expect(d.bins()).toEqual([8, 360]);
  });
});

describe("the filter of a saved file", () => {
  const places = (q: string) => {
    const d = golden(), a = ask(d, q);
    expect(a.error).toBeUndefined();
    return d.places.country.filter((_, i) => !a.places || a.places[i]);
  };
  test.each([
    ["country:DE", ["DE"]], ["country:de,FJ", ["DE", "FJ"]], ["-country:DE", ["", "AQ", "BR", "FJ"]], ["city:berlin", ["DE"]],
    ['city:"são paulo"', []], ["place:52.52,13.405", ["DE"]], ["country:DE country:FJ", []], ["", ["", "AQ", "BR", "DE", "FJ"]],
  ])("%s", (q, want) => expect(places(q).sort()).toEqual(want));

  test("protocol and direction choose rows", () => {
    expect(ask(golden(), "proto:udp dir:in").keys).toBe(0b0000_0100_0000_0100);
    expect(ask(golden(), "-proto:tcp").keys).toBe(0b1111_1100_1111_1100);
  });

  test.each([["ip:2001:db8::/32", ["2001:db8::1"]], ["asn:4294967295", ["Deutsche Telekom AG"]], ["port:1-65535", [""]], ["peer:10.0.0.0/7", ["10.0.0.0/8"]], ['label:"my devices"', ["2001:db8::1"]], ["peer:10.0.0.5", []]])(
    "%s is answered from the details", (q, want) => {
      const d = golden(), a = ask(d, q);
      expect(d.details.name.filter((_, i) => a.details![i])).toEqual(want);
    });

  test.each([["nonsense", "has no key"], ["colour:red", "is unknown"], ["opened:them", "ask the sensor"], ["ip:1.2.3.4 port:53", "cannot combine"], ["ip:1.2.3.999", "no address or network"], ["proto:sctp", "ask the sensor"], ["dir:up", "dir:in or dir:out"], ["label:tor", "there are cloud, my devices"]])(
    "%s is explained", (q, want) => expect(ask(golden(), q).error).toContain(want));

  test("networks are read like addresses are written", () => {
    expect(parseNet("::1")).toEqual({ bits: 1n, size: 128, length: 128 });
    expect(parseNet("1.2.3.0/24")).toEqual({ bits: 0x01020300n, size: 32, length: 24 });
    for (const bad of ["", "1.2.3", "1.2.3.4/33", "::1::", "12345::", ":", "1:2:3:4:5:6:7:8:9", "x::"]) expect(parseNet(bad)).toBeUndefined();
  });
});
