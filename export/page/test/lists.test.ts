import { beforeAll, describe, expect, test, vi } from "vitest";
import { readFileSync } from "node:fs";

// The lists read signals that ask the browser for its theme and address.
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {} }));

let lists: typeof import("../src/lists");
let items: typeof import("../src/items");
let subject: typeof import("../src/subject");
let cards: typeof import("../src/cards");
let s: typeof import("../src/state");
let d: import("../src/dataset").Dataset;
let sums: import("../src/sums").Sums;

beforeAll(async () => {
  lists = await import("../src/lists");
  items = await import("../src/items");
  subject = await import("../src/subject");
  cards = await import("../src/cards");
  s = await import("../src/state");
  const { Dataset } = await import("../src/dataset"), { parse } = await import("../src/codec"), { sum } = await import("../src/sums");
  d = new Dataset(parse(new Uint8Array(readFileSync(new URL("../testdata/vector.phcols", import.meta.url)))));
  sums = sum(d, { keys: 0xffff, from: 0, to: 1e9 });
});

const size = (i: import("../src/items").Item) => i.packets[0] + i.packets[1];
const all = { keys: 0xffff };

describe("lists", () => {
  test("places are named by the best there is", () => {
    const { items: list, count } = items.placeItems(d, sums, "packets");
    expect(list.map((i) => [i.label, size(i)])).toEqual([["Suva", 2 ** 52], ["Brazil", 65_535], ["Berlin", 1032], ['São "Paulo"', 11], ["Not located", 7]]);
    expect(count).toBe(5);
    expect(list[1].note).toBe("country only");
    expect(list[4].place).toBeUndefined();
  });

  test("are sorted by what one asks, and cut behind that", () => {
    const by = (order: import("../src/items").Order, n = 9) => items.placeItems(d, sums, "packets", order, n).items.map((i) => i.label);
    expect(by("name")).toEqual(["Berlin", "Brazil", "Not located", 'São "Paulo"', "Suva"]);
    expect(by("name", 2)).toEqual(["Berlin", "Brazil"]);
    const bytes = items.placeItems(d, sums, "packets", "bytes").items;
    expect(bytes.map((i) => i.bytes[0] + i.bytes[1])).toEqual(bytes.map((i) => i.bytes[0] + i.bytes[1]).sort((a, b) => b - a));
    const inward = items.placeItems(d, sums, "packets", "in").items.map((i) => i.packets[0]);
    expect(inward).toEqual([...inward].sort((a, b) => b - a));
  });

  test("the sensor sorts by what one asks, but for names", () => {
    const { sortOf } = lists;
    expect(["unit", "packets", "bytes", "in", "out", "name"].map((o) => sortOf(o as import("../src/items").Order, "bytes"))).toEqual(["bytes", "packets", "bytes", "bytes_in", "bytes_out", "bytes"]);
    expect(sortOf("unit", "packets")).toBe("packets");
  });

  test("countries add up", () => {
    expect(items.countryItems(d, sums, "bytes").items[1]).toMatchObject({ key: "DE", label: "Germany", bytes: [680, 1_515_536] });
  });

  test("details are named for what they are, and know where on the map", () => {
    const berlin = "52.5200,13.4050|DE|Land Berlin|Berlin", first = (kind: number) => items.detailItems(d, kind, all, "packets").items[0];
    expect(first(0)).toMatchObject({ key: "2001:db8::1", note: "Germany", labels: ["cloud", "my devices"] });
    expect(first(0).packets[1]).toBe(1024);
    expect(first(0).place?.split("|")[3]).toBe(berlin.split("|")[3]);
    expect(first(3)).toMatchObject({ label: "Deutsche Telekom AG", note: "AS4294967295" });
    expect(first(2)).toMatchObject({ key: "other/65535", label: "65535", note: "OTHER" });
    expect(items.detailItems(d, 0, { keys: s.keyMask(0b1111, "in") }, "packets").items).toEqual([]);
  });

  test("cards tell what the file knows", () => {
    const key = items.placeItems(d, sums, "packets").items.find((i) => i.label === "Berlin")!.key;
    const f = cards.factsFromFile({ tab: "place", key }, d, sums, "packets");
    expect(f.packets[0] + f.packets[1]).toBe(1032);
    expect(f.parts.map((p) => p.tab)).toContain("network");
    const germany = cards.factsFromFile({ tab: "country", key: "DE" }, d, sums, "packets");
    expect([germany.packets, germany.parts[0].tab]).toEqual([f.packets, "place"]);
    const address = cards.factsFromFile({ tab: "address", key: "2001:db8::1" }, d, sums, "packets");
    expect(address.packets).toEqual([0, 1024]);
    expect(address.labels).toEqual(["cloud", "my devices"]);
    expect(address.note).toMatch(/ask the sensor/);
    expect(cards.factsFromFile({ tab: "port", key: "tcp/9" }, d, sums, "packets").note).toMatch(/^Nothing of this port/);
  });

  test("the page's switches become terms for the sensor", () => {
    s.filter.value = "country:DE";
    s.protocol.value = 0b0101;
    s.direction.value = "in";
    expect(lists.sensorFilter()).toBe("country:DE proto:tcp,icmp,icmpv6 dir:in");
    s.protocol.value = 0b1110;
    s.direction.value = "both";
    expect(lists.sensorFilter("place:1.0000,2.0000")).toBe("country:DE place:1.0000,2.0000 -proto:tcp");
    s.clouds.value = false;
    expect(lists.sensorFilter()).toBe("country:DE -label:cloud -proto:tcp");
    s.clearSelection();
    expect(lists.sensorFilter()).toBe("");
  });

  test("what the sensor answers is named the same way", () => {
    const part = { packets: 3, bytes: 300 }, row = { packets: 5, bytes: 500, in: part, out: { packets: 2, bytes: 200 } };
    expect(lists.itemOf("asn", { ...row, key: "AS3320", label: "AS3320 DTAG" }, null)).toMatchObject({ key: "3320", label: "DTAG", note: "AS3320", packets: [3, 2], bytes: [300, 200] });
    expect(lists.itemOf("asn", { ...row, key: "" }, null).label).toBe("Not known");
    expect(lists.itemOf("port", { ...row, key: "443", proto: "udp" }, null)).toMatchObject({ key: "udp/443", label: "443 quic", note: "UDP" });
    expect(lists.itemOf("port", { ...row, key: "", proto: "icmp" }, null)).toMatchObject({ label: "ICMP", note: "no port" });
    expect(lists.itemOf("ip", { ...row, key: "192.0.2.1", country: "DE" }, null).note).toBe("Germany");
    expect(lists.itemOf("place", { ...row, key: "x", city: "Berlin", country: "DE", latitude: d.places.lat[d.places.city.indexOf("Berlin")], longitude: d.places.lon[d.places.city.indexOf("Berlin")] }, d).place).toContain("Berlin");
  });
});

describe("subjects", () => {
  test("are in links, and in the filter language", () => {
    const berlin = items.placeItems(d, sums, "packets").items.find((i) => i.label === "Berlin")!.key;
    const all: [import("../src/subject").Subject, string, string][] = [
      [{ tab: "place", key: berlin }, berlin, "place:52.5200,13.4050"], [{ tab: "country", key: "DE" }, "country:DE", "country:DE"], [{ tab: "network", key: "3320" }, "network:3320", "asn:3320"],
      [{ tab: "address", key: "2001:db8::1" }, "address:2001:db8::1", "ip:2001:db8::1"], [{ tab: "peer", key: "10.0.0.0/24" }, "peer:10.0.0.0/24", "peer:10.0.0.0/24"], [{ tab: "port", key: "tcp/443" }, "port:tcp/443", "proto:tcp port:443"], [{ tab: "port", key: "other/9" }, "port:other/9", "port:9"],
    ];
    for (const [subj, id, term] of all) {
      expect(subject.idOf(subj)).toBe(id);
      expect(subject.subjectOf(id)).toEqual(subj);
      expect(subject.termOf(subj, d)).toBe(term);
    }
    expect([subject.termOf({ tab: "network", key: "0" }, d), subject.termOf({ tab: "port", key: "icmp/" }, d), subject.termOf({ tab: "country", key: "" }, d)]).toEqual(["", "", ""]);
    expect(subject.excludedBy({ tab: "port", key: "tcp/443" }, d)).toBe("port:443");
  });
});
