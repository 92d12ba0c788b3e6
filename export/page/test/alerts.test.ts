import { describe, expect, test } from "vitest";
import { inOrder, linkOf, termOf, windowOf, type Alert } from "../src/alerts";
import { read } from "../src/url";

const alert = (change: Partial<Alert>): Alert => ({ id: 1, time: "2026-11-22T06:00:00Z", kind: "label", text: "", sensor: "gw1", ...change });
const at = (minute: number) => Date.UTC(2026, 10, 22, 6, minute), noon = Date.UTC(2026, 10, 22, 12);

describe("an alert", () => {
  test.each<[string, Partial<Alert>, string]>([
    ["an address", { ip: "203.0.113.9/32" }, "ip:203.0.113.9"], ["an address of IPv6", { ip: "2001:db8::9/128" }, "ip:2001:db8::9"],
    ["a masked address", { ip: "203.0.113.0/24" }, "ip:203.0.113.0/24"], ["a network", { kind: "new_as", asn: 64500, ip: "203.0.113.9/32" }, "asn:64500"],
    ["a country", { kind: "new_country", country: "DE" }, "country:DE"], ["a place", { kind: "new_place", latitude: 52.52, longitude: -13.4 }, "place:52.5200,-13.4000"],
    ["a place without coordinates", { kind: "new_place" }, ""], ["losses", { kind: "drops" }, ""], ["too many to list", { kind: "more" }, ""],
  ])("about %s is found by a filter", (_, change, want) => expect(termOf(alert(change))).toBe(want));

  test.each<[string, Partial<Alert>, number, [number, number]]>([
    ["a moment, with what is around it", {}, noon, [at(-10), at(10)]], ["no later than now", {}, at(2), [at(-10), at(2)]],
    ["trouble that was over", { kind: "gap", ended: "2026-11-22T06:30:00Z" }, noon, [at(-10), at(40)]], ["trouble that lasts", { kind: "gap" }, noon, [at(-10), noon]],
    ["a clock that is behind", {}, at(-60), [at(-10), at(1)]],
  ])("is shown in its time: %s", (_, change, now, want) => expect(windowOf(alert(change), now)).toEqual(want));

  test("that lasts goes first", () => {
    const list = [alert({ id: 4 }), alert({ id: 3, kind: "gap", ended: "2026-11-22T06:30:00Z" }), alert({ id: 2 }), alert({ id: 1, kind: "database" })];
    expect(inOrder(list).map((a) => a.id)).toEqual([1, 4, 3, 2]);
  });

  test("is a link, of its sensor where there are several", () => {
    const state = read(linkOf(alert({ kind: "new_as", asn: 64500, sensor: "branch office" }), true, noon));
    expect(state.filter).toBe('asn:64500 sensor:"branch office"');
    expect(state.window).toEqual([at(-10), at(10)]);
    expect(read(linkOf(alert({ ip: "203.0.113.9/32" }), false, noon)).filter).toBe("ip:203.0.113.9");
  });
});
