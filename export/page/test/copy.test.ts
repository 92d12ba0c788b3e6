import { beforeAll, describe, expect, test, vi } from "vitest";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { columns, courseOf } from "../src/course";

vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {} }));

let copy: typeof import("../src/copy");
let d: import("../src/dataset").Dataset;
beforeAll(async () => {
  copy = await import("../src/copy");
  const { Dataset } = await import("../src/dataset"), { parse } = await import("../src/codec");
  d = new Dataset(parse(new Uint8Array(readFileSync(new URL("../testdata/vector.phcols", import.meta.url)))));
});

describe("CSV", () => {
  test("has the columns of the files that Go writes", () => {
    const go = readFileSync(new URL("../../csv_test.go", import.meta.url), "utf8");
    expect(go).toContain(copy.csvColumns.join());
  });

  test("is quoted, and never a formula; numbers are left alone", () => {
    expect(["=1+1", "a,b", 'say "x"', "-x", "plain", -5, undefined].map((v) => copy.csvCell(v))).toEqual(["'=1+1", '"a,b"', '"say ""x"""', "'-x", "plain", "-5", ""]);
  });

  test("of a country adds up to what is shown; of an address it has the address", () => {
    const rows = copy.csvRows({ tab: "country", key: "DE" }, d, 0xffff, 0, 1e9), places = d.places.country.map((c) => c === "DE");
    let want = 0;
    for (let i = 0; i < d.rows.n; i++) if (places[d.rows.place[i]]) want += d.rows.packets[i];
    expect(rows.reduce((n, r) => n + Number(r.packets), 0)).toBe(want);
    expect(rows[0]).toMatchObject({ country: "DE", city: "Berlin", latitude: "52.5200", interval: 10 });
    expect(copy.csvRows({ tab: "address", key: "2001:db8::1" }, d, 0xffff, 0, 1e9)[0]).toMatchObject({ ip: "2001:db8::1", direction: "out", packets: 1024 });
    const times = rows.map((r) => String(r.time));
    expect(times).toEqual([...times].sort());
    expect(copy.csv(rows).split("\n")[1].split(",")).toHaveLength(20);
  });

  test("of what is known to its country has no coordinates", () => {
    const [row] = copy.csvRows({ tab: "country", key: "BR" }, d, 0xffff, 0, 1e9).filter((r) => r.precision === "country");
    expect([row.latitude, row.longitude]).toEqual([undefined, undefined]);
  });
});

const many = Array.from({ length: 60 }, (_, i) => (i % 2 ? `2001:db8::${i}` : `192.0.2.${i}`));
const filters = (): [string, string][] => [
  [copy.captureFilter({ tab: "address", key: "192.0.2.1" }, ["192.0.2.1"]), "host 192.0.2.1"],
  [copy.captureFilter({ tab: "peer", key: "10.0.0.0/24" }, ["10.0.0.0/24"]), "net 10.0.0.0/24"],
  [copy.captureFilter({ tab: "port", key: "tcp/443" }, []), "tcp port 443"],
  [copy.captureFilter({ tab: "port", key: "other/9" }, []), "port 9"],
  [copy.captureFilter({ tab: "place", key: "" }, ["192.0.2.1", "2001:db8::/32", "::ffff:1.2.3.4", "no address"]), "host 192.0.2.1 or net 2001:db8::/32 or host 1.2.3.4"],
];

describe("a filter for tcpdump", () => {
  test("names hosts, networks and ports", () => {
    for (const [text, want] of filters()) expect(text).toBe(want);
    expect(copy.captureFilter({ tab: "country", key: "DE" }, Array(300).fill("192.0.2.1")).split(" or ")).toHaveLength(copy.mostHosts);
  });

  test.skipIf(!existsSync("/usr/bin/tcpdump"))("is one that tcpdump takes", () => {
    const texts = [...filters().map(([text]) => text), copy.captureFilter({ tab: "country", key: "DE" }, many)];
    for (const text of texts) expect(execFileSync("/usr/bin/tcpdump", ["-y", "EN10MB", "-d", text], { stdio: ["ignore", "pipe", "pipe"] }).toString(), text).toContain("ret");
    expect(() => execFileSync("/usr/bin/tcpdump", ["-y", "EN10MB", "-d", "host a host"], { stdio: "ignore" })).toThrow();
  });

  test("has the addresses of a place, the biggest first", () => {
    expect(copy.addressesOf({ tab: "country", key: "DE" }, d, 0xffff)).toContain("2001:db8::1");
    expect(copy.addressesOf({ tab: "country", key: "FJ" }, d, 0xffff)).not.toContain("2001:db8::1");
    expect(copy.addressesOf({ tab: "peer", key: "10.0.0.5" }, d, 0xffff)).toEqual(["10.0.0.5"]);
  });
});

describe("links", () => {
  const link = (url: string, s: import("../src/subject").Subject) => copy.linkTo({ name: "x", url }, s, Date.UTC(2026, 10, 17, 14), Date.UTC(2026, 10, 17, 15));
  test("have their placeholders filled, encoded", () => {
    expect(link("https://example.org/ip/{ip}?from={from}&to={to}", { tab: "address", key: "2001:db8::1" })).toBe("https://example.org/ip/2001%3Adb8%3A%3A1?from=2026-11-17T14%3A00%3A00Z&to=2026-11-17T15%3A00%3A00Z");
    expect(link("http://grafana.example/d?from={from}", { tab: "country", key: "DE" })).toContain("2026-11-17T14%3A00%3A00Z");
  });
  test("are left out where they are not for it: other things, networks, our own devices", () => {
    for (const s of [{ tab: "country", key: "DE" }, { tab: "address", key: "192.0.2.0/24" }, { tab: "peer", key: "10.0.0.5" }] as const) expect(link("https://example.org/{ip}", s)).toBeUndefined();
  });
  test("lead to the web and nowhere else", () => {
    for (const url of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://a:b@example.org/", "no url", "{from}:x"]) expect(link(url, { tab: "address", key: "192.0.2.1" }), url).toBeUndefined();
  });
});

describe("the course of time", () => {
  test("adds up to the sums, in and out", () => {
    const places = new Uint8Array(d.places.n).fill(1), c = courseOf(d, places, 0xffff, 0, 400), total = (v: Float64Array) => v.reduce((n, x) => n + x, 0);
    let want = 0;
    for (let i = 0; i < d.rows.n; i++) if (d.rows.bin[i] < 400) want += d.rows.bytes[i];
    expect(total(c.bytes[0]) + total(c.bytes[1])).toBe(want);
    expect(c.first).toBeLessThan(c.last);
    expect(total(columns(c.packets[0], 7))).toBe(total(c.packets[0]));
    expect(columns(new Float64Array(100), 96)).toHaveLength(50);
    expect(Number.isNaN(courseOf(d, new Uint8Array(d.places.n), 0xffff, 0, 10).first)).toBe(true);
  });
});
