import { describe, expect, test } from "vitest";
import { ago, clockError, inOrder, linkOf, nameOf, sentence, type Sensor, type Shipping } from "../src/fleet";
import { read } from "../src/url";

const sensor = (change: Partial<Sensor>): Sensor => ({ sensor: "gw1", origin: "0123456789abcdef", state: "live", newest: "2026-11-22T06:00:00Z", lag_seconds: 4, ...change });
const shipping = (change: Partial<Shipping>): Shipping => ({ server: "clickhouse://db:9000", state: "shipping", waiting_batches: 0, waiting_points: 0, lag_seconds: 0, ...change });

describe("the fleet", () => {
  test.each([[-3, "0 s"], [0, "0 s"], [119, "119 s"], [120, "2 min"], [7199, "119 min"], [7200, "2 h"], [172_799, "47 h"], [172_800, "2 d"], [1e7, "115 d"]])("%d seconds are %s", (s, want) => expect(ago(s)).toBe(want));

  test.each<[number | undefined, string]>([[undefined, ""], [5, ""], [-5, ""], [6, "6 s ahead"], [-7300, "2 h behind"]])("a clock that is %s off", (s, want) => expect(clockError(s)).toBe(want));

  test("tells two stores of one name apart", () => {
    const one = sensor({}), other = sensor({ origin: "fedcba9876543210" });
    expect(nameOf(one, [one])).toBe("gw1");
    expect(nameOf(other, [one, other])).toBe("gw1 (fedcba98)");
  });

  test("has those first that are missing", () => {
    const list = [sensor({ sensor: "b" }), sensor({ sensor: "z", state: "late" }), sensor({ sensor: "a" }), sensor({ sensor: "y", state: "silent" })];
    expect(inOrder(list).map((s) => s.sensor)).toEqual(["y", "z", "a", "b"]);
  });

  test("links to each", () => expect(read(linkOf(sensor({ sensor: 'branch "2"' }))).filter).toBe('sensor:"branch \\"2\\""'));

  test.each<[Partial<Shipping>, string]>([
    [{}, "shipped to db:9000 as it comes"], [{ state: "behind", waiting_batches: 9, lag_seconds: 7200 }, "catching up with db:9000: 2 h behind"],
    [{ state: "away", error: "connection refused", waiting_batches: 2, lag_seconds: 20 }, "db:9000 is away, since 20 s of data: connection refused"],
  ])("says how %j goes", (change, want) => expect(sentence(shipping(change))).toBe(want));
});
