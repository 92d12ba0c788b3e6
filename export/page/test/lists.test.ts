import { beforeAll, describe, expect, test, vi } from "vitest";
import { readFileSync } from "node:fs";

// The lists read signals that ask the browser for its theme and address.
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {} }));

let lists: typeof import("../src/lists");
let list: typeof import("../src/ui/list");
let s: typeof import("../src/state");
let d: import("../src/dataset").Dataset;
let sums: import("../src/sums").Sums;

beforeAll(async () => {
  lists = await import("../src/lists");
  list = await import("../src/ui/list");
  s = await import("../src/state");
  const { Dataset } = await import("../src/dataset"), { parse } = await import("../src/codec"), { sum } = await import("../src/sums");
  d = new Dataset(parse(new Uint8Array(readFileSync(new URL("../testdata/vector.phcols", import.meta.url)))));
  sums = sum(d, { keys: 0xffff, from: 0, to: 1e9 });
});

describe("lists", () => {
  test("places are named by the best there is", () => {
    const items = lists.placeItems(d, sums, "packets");
    expect(items.map((i) => [i.label, i.in + i.out])).toEqual([["Suva", 2 ** 52], ["Brazil", 65_535], ["Berlin", 1032], ['São "Paulo"', 11], ["Not located", 7]]);
    expect(items[1].note).toBe("country only");
    expect(items[4].place).toBeUndefined();
  });

  test("countries add up", () => {
    expect(lists.countryItems(d, sums, "bytes")[1]).toMatchObject({ key: "DE", label: "Germany", in: 680, out: 1_515_536 });
  });

  test("details are named for what they are", () => {
    expect(lists.detailItems(d, 0, 0xffff, "packets")[0]).toMatchObject({ key: "2001:db8::1", note: "Germany", out: 1024, labels: ["cloud", "my devices"] });
    expect(lists.detailItems(d, 3, 0xffff, "packets")[0]).toMatchObject({ label: "Deutsche Telekom AG", note: "AS4294967295" });
    expect(lists.detailItems(d, 2, 0xffff, "packets")[0]).toMatchObject({ key: "other/65535", label: "65535", note: "OTHER" });
    expect(lists.detailItems(d, 0, s.keyMask(0b1111, "in"), "packets")).toEqual([]);
    expect(lists.cardFromFile(d, d.places.city.indexOf("Berlin"), 0xffff, "packets").networks).toHaveLength(1);
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

  test("a click adds a term, another takes it out", () => {
    const item = { key: "tcp/443", label: "443 https", note: "", in: 1, out: 0 };
    expect(list.termOf("port", item)).toBe("port:443");
    expect(list.termOf("network", { ...item, key: "AS3320" })).toBe("asn:3320");
    expect(list.termOf("network", { ...item, key: "0" })).toBeNull();
    expect(list.termOf("place", item)).toBeNull();
    expect(list.toggled("country:DE", "port:443")).toBe("country:DE port:443");
    expect(list.toggled("country:DE port:443", "country:DE")).toBe("port:443");
  });
});
