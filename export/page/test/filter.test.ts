import { describe, expect, test } from "vitest";
import { kinds, type Columns, type Meta } from "../src/codec";
import { Dataset } from "../src/dataset";
import { ask } from "../src/filter";
import { sum } from "../src/sums";

const meta: Meta = {
  version: "1", sensor: "gw1", from: "2026-11-17T14:00:00Z", to: "2026-11-17T14:01:00Z", start: "2026-11-17T14:00:00Z", step: 10,
  totals: { packets: 0, bytes: 0, twoPublic: 0, points: 0, located: 0, unlocated: 0 }, drops: 0, labels: ["blocked", "mine"], clouds: true,
};

/** A row or a detail: place, then key: 8 cloud + class × 2 + out, then packets. */
type Row = [place: number, key: number, packets: number];
type Detail = [place: number, kind: number, key: number, name: string, number: number, packets: number, labels?: number];

const rows: Row[] = [[0, 0, 100], [0, 1, 50], [1, 2, 30], [1, 8, 20], [2, 4, 7], [2, 6, 3]];
const details: Detail[] = [
  [0, kinds.address, 0, "192.0.2.1", 64500, 100, 1], [0, kinds.address, 1, "192.0.2.9", 64500, 50], [1, kinds.address, 2, "2001:db8::5", 0, 30],
  [1, kinds.address, 8, "198.51.100.0/24", 64501, 20], [2, kinds.address, 4, "203.0.113.1", 0, 7], [2, kinds.address, 6, "203.0.113.1", 0, 3],
  [0, kinds.peer, 0, "10.0.0.5", 0, 100, 2], [0, kinds.peer, 1, "10.0.0.6", 0, 50],
  [0, kinds.port, 0, "", 443, 100], [0, kinds.port, 1, "", 80, 50], [1, kinds.port, 2, "", 443, 30],
  [0, kinds.as, 0, "Example", 64500, 100], [0, kinds.as, 1, "Example", 64500, 50], [1, kinds.as, 8, "Cloud", 64501, 20],
];

function dataset(change: Partial<Meta> = {}, some = details): Dataset {
  const f = (list: number[]) => Float64Array.from(list), n = rows.length, m = some.length;
  const c: Columns = {
    meta: { ...meta, ...change },
    places: {
      n: 3, lat: f([52.5, -33.9, 0]), lon: f([13.4, 151.2, 0]), located: Uint8Array.from([1, 1, 0]), precision: Uint8Array.from([1, 1, 3]),
      country: ["DE", "AU", "FR"], region: ["Berlin", "", ""], city: ["Berlin", "Sydney", ""], accuracy: f([5, 0, 0]),
    },
    rows: {
      n, place: Uint32Array.from(rows, (r) => r[0]), key: Uint8Array.from(rows, (r) => r[1]), bin: new Uint32Array(n),
      packets: f(rows.map((r) => r[2])), bytes: f(rows.map((r) => r[2] * 100)), opens: f(rows.map(() => 1)),
    },
    details: {
      n: m, place: Uint32Array.from(some, (r) => r[0]), kind: Uint8Array.from(some, (r) => r[1]), key: Uint8Array.from(some, (r) => r[2]),
      name: some.map((r) => r[3]), number: f(some.map((r) => r[4])), packets: f(some.map((r) => r[5])), bytes: f(some.map((r) => r[5] * 100)),
      opens: f(some.map(() => 0)), first: f(some.map(() => 0)), last: f(some.map(() => 0)), labels: f(some.map((r) => r[6] ?? 0)),
    },
  };
  return new Dataset(c);
}

/** Packets that a filter leaves. */
function packets(d: Dataset, text: string): number {
  const q = ask(d, text);
  expect(q.error).toBeUndefined();
  if (!q.details) return sum(d, { keys: q.keys, from: 0, to: 9, places: q.places }).totalPackets;
  let n = 0;
  const t = d.details;
  for (let i = 0; i < t.n; i++) if (q.details[i] && (q.keys >> t.key[i]) & 1 && (!q.places || q.places[t.place[i]])) n += t.packets[i];
  return n;
}

describe("a saved file answers", () => {
  const d = dataset();
  test.each([
    ["", 210], ["country:de", 150], ["-country:DE,FR", 50], ["city:Sydney,berlin", 200], ["-city:Berlin", 60], ["place:52.5,13.4", 150], ["-place:52.5,13.4", 60], ["place:0,0", 0],
    ["proto:tcp", 170], ["-proto:tcp", 40], ["proto:udp,other", 33], ["proto:icmp,58", 7], ["-proto:6 -proto:17", 10], ["dir:out", 50], ["dir:in country:DE", 100],
    ["label:cloud", 20], ["-label:cloud", 190], ["sensor:GW1", 210], ["-sensor:gw1", 0], ["sensor:gw2", 0],
    ["ip:192.0.2.0/24", 150], ["-ip:192.0.2.0/24", 60], ["ip:198.51.100.7", 0], ["ip:198.51.0.0/16", 20], ["ip:2001:db8::/32,192.0.2.1", 130], ["ip:192.0.2.0/24 dir:out", 50],
    ["peer:10.0.0.5", 100], ["port:443", 130], ["port:1-100", 50], ["-port:443", 50], ["port:443 proto:udp", 30],
    ["asn:64500", 150], ["-asn:64500", 60], ["asn:64500 ip:192.0.2.9", 50], ["label:blocked", 100], ["-label:blocked", 110], ["label:mine", 100],
    ["host:10.0.0.5", 100], ["host:192.0.2.1", 100], ["-ip:192.0.2.1 -ip:192.0.2.9 country:DE", 0],
  ] as [string, number][])("%s: %i packets", (text, n) => expect(packets(d, text)).toBe(n));

  test.each([
    ["opened:them", "who opened", 0, 11], ["proto:sctp", "tells tcp, udp, icmp", 0, 10], ["country:DE ip:1.2.3.4 port:443", "cannot combine “ip:” and “port:”", 22, 30],
    ["host:10.0.0.0/8", "single addresses", 0, 15], ["-host:10.0.0.5", "single addresses", 0, 14], ["label:tor", "No address in this file has the label “tor”", 0, 9], ["contry:DE", "is unknown", 0, 6],
  ] as [string, string, number, number][])("%s: it cannot, and says why and where", (text, why, start, end) => {
    const q = ask(d, text);
    expect(q).toMatchObject({ keys: 0xffff, mistake: { start, end } });
    expect(q.error).toContain(why);
    expect([q.places, q.details]).toEqual([undefined, undefined]);
  });

  test("says how an answer is less than exact", () => {
    expect(ask(d, "port:443").note).toMatch(/names the port of 86\u202f% of its packets/);
    expect(ask(d, "ip:192.0.2.1").note).toBeUndefined(); // all addresses are there
    expect(ask(d, "proto:icmp").note).toContain("ICMPv6");
    expect(ask(d, "proto:icmp,icmpv6 country:DE").note).toBeUndefined();
  });

  test("of places only, of several sensors, without labels, it says so", () => {
    expect(ask(dataset({}, []), "port:443").error).toContain("--detail addresses");
    expect(ask(dataset({ sensor: "gw1, gw2" }), "sensor:gw1").error).toContain("sensors apart");
    expect(packets(dataset({ sensor: "gw1, gw2" }), "sensor:gw1,gw2")).toBe(210);
    expect(ask(dataset({ labels: undefined }), "label:blocked").error).toContain("no labels");
    expect(ask(dataset({ clouds: false, labels: ["cloud"] }), "label:cloud").details).toBeDefined();
  });
});
