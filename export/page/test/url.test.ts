import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { kinds } from "../src/projection";
import { palettes } from "../src/ramp";
import { protocols, speeds, tabs } from "../src/state";
import { defaults, fields, read, write, type State } from "../src/url";

/** Any value of each field, as exactly as links carry it. */
const instant = fc.integer({ min: 0, max: 4e9 }).map((t) => 1000 * t);
const degrees = (most: number) => fc.integer({ min: -1000 * most, max: 1000 * most }).map((n) => n / 1000);
const stretch = fc.tuple(instant, fc.integer({ min: 1, max: 1e6 })).map(([from, n]): [number, number] => [from, from + 1000 * n]);
const some = fc.string({ minLength: 1, maxLength: 60, unit: "binary" });
const values: { [N in keyof State]: fc.Arbitrary<State[N]> } = {
  last: fc.oneof(fc.constant("all"), fc.tuple(fc.integer({ min: 1, max: 999_999 }), fc.constantFrom("s", "m", "h", "d", "w", "y")).map((p) => p.join(""))),
  window: fc.option(stretch), t: fc.option(stretch), at: fc.option(instant), play: fc.boolean(), speed: fc.constantFrom(...speeds),
  compare: fc.oneof(fc.constantFrom("", "before", "yesterday", "last-week"), stretch.map((w) => w.map((t) => new Date(t).toISOString().replace(".000Z", "Z")).join("/"))),
  filter: fc.oneof(fc.constant(""), some), proto: fc.integer({ min: 0, max: 2 ** protocols.length - 1 }),
  dir: fc.constantFrom("both", "in", "out"), unit: fc.constantFrom("packets", "bytes"), clouds: fc.boolean(), tab: fc.constantFrom(...tabs), sort: fc.constantFrom("unit", "packets", "bytes", "in", "out", "name"),
  place: fc.option(some),
  view: fc.option(fc.record({ lat: degrees(90), lon: degrees(180), zoom: fc.integer({ min: 1, max: 9999 }).map((n) => n / 10) })),
  proj: fc.constantFrom(...kinds), map: fc.boolean(), by: fc.constantFrom("amount" as const, "rate" as const, "addresses" as const),
  colours: fc.constantFrom(...palettes), arcs: fc.boolean(),
  scale: fc.option(fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1001, max: 1e12 })), { nil: null }),
  theme: fc.constantFrom("auto", "dark", "light"), tz: fc.constantFrom("local", "utc"),
};
const state = fc.record(values) as unknown as fc.Arbitrary<State>;

/** -0 is 0 in a link. */
const same = (v: unknown) => JSON.parse(JSON.stringify(v)) as unknown;

describe("the hash", () => {
  test("is empty for the default", () => {
    expect(write(defaults)).toBe("");
    expect(read("")).toEqual(defaults);
  });

  test("has a value here for each field", () => expect(Object.keys(values)).toEqual(Object.keys(fields)));

  test("carries any state there and back", () => {
    fc.assert(fc.property(state, (v) => void expect(same(read("#" + write(v)))).toEqual(same(v))));
  });

  test("is the same after any way round", () => {
    fc.assert(fc.property(state, (v) => void expect(write(read(write(v)))).toBe(write(v))));
  });

  test("made by hand, never breaks the page", () => {
    const pair = fc.tuple(fc.oneof(fc.constantFrom(...Object.keys(fields)), fc.string()), fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "/", ",,", "0", "-1", "NaN", "1e999", "%", "%E0%A4", "null")));
    fc.assert(fc.property(fc.array(pair, { maxLength: 6 }), (pairs) => {
      const hash = pairs.map((p) => p.join("=")).join("&"), v = read("#" + hash);
      expect(read(write(v))).toEqual(same(v));
    }));
  });

  test("reads well", () => {
    const v: State = {
      ...defaults, proto: 0b0101, dir: "in", t: [Date.UTC(2026, 10, 17, 15), Date.UTC(2026, 10, 17, 15, 30)], filter: "country:DE,FR",
      place: "52.5200,13.4050|DE|Land Berlin|Berlin", view: { lat: 52.52, lon: 13.405, zoom: 8.5 },
    };
    expect(write(v)).toBe("t=2026-11-17T15:00:00Z/2026-11-17T15:30:00Z&filter=country:DE,FR&proto=tcp,icmp&dir=in&place=52.5200,13.4050|DE|Land+Berlin|Berlin&view=52.520,13.405,8.5");
  });

  test.each(["proto=", "t=x/y", "t=2026-01-02/2026-01-01", "view=1,2", "view=a,b,c", "view=1,2,-3", "view=,,1", "view=91,0,1", "theme=pink", "last=never", "tab=x", "dir=up", "unit=apples", "tz=mars", "clouds=no", "window=2026-01-02", "window=2026-01-02/2026-01-01", "at=noon", "speed=9", "play=x", "compare=tomorrow", "compare=2026-01-02/2026-01-01", "filter=" + "x".repeat(5000), "."])(
    "what it does not understand is the default: %.20s", (hash) => expect(read("#" + hash)).toEqual(defaults));
});
