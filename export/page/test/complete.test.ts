import { describe, expect, test } from "vitest";
import { accept, advice, complete, mended, ranked, type Vocabulary } from "../src/query/complete";
import { read } from "../src/query/language";

const words: Vocabulary = (key) =>
  ({
    country: [{ value: "US", name: "United States" }, { value: "DE", name: "Germany" }, { value: "NE", name: "Niger" }, { value: "NG", name: "Nigeria" }],
    city: [{ value: "Frankfurt am Main" }, { value: "New York" }, { value: "Germering" }],
    asn: [{ value: "15169", name: "Google LLC" }, { value: "3320", name: "Deutsche Telekom AG" }],
    port: [{ value: "443", name: "https 443" }, { value: "53", name: "dns 53" }],
    label: [{ value: "my devices" }], ip: [{ value: "192.0.2.7" }], peer: [{ value: "10.0.0.5" }],
  })[key as string] ?? [];

/** What is proposed, with | for the caret. */
function at(marked: string): string[] {
  const caret = marked.indexOf("|"), text = marked.replace("|", "");
  return complete(text, caret, words).map((o) => accept(text, o).text);
}

describe("completion", () => {
  test("of nothing is every key's", () => {
    expect(at("|").length).toBe(14);
    expect(at("|")[0]).toBe("country:");
  });
  test("of keys", () => {
    expect(at("po|")).toContain("port:");
    expect(at("country:DE p|")).toEqual(["country:DE peer:", "country:DE port:", "country:DE proto:", "country:DE place:"]);
    expect(at("-co|")).toContain("-country:");
  });
  test.each([
    ["germ|", ["country:DE", "city:Germering"]], ["country:ger|", ["country:DE"]], ["country:US,ger|", ["country:US,DE"]], ["city:new|", ['city:"New York"']], ['city:"new|', ['city:"New York"']],
    ["asn:tele|", ["asn:3320"]], ["https|", ["port:443"]], ["dir:|", ["dir:in", "dir:out"]], ["-label:my|", ['-label:"my devices"']], ["country:de| port:53", ["country:DE port:53"]], ["peer:10|", ["peer:10.0.0.5"]],
    ["192.0.2.0/24|", ["ip:192.0.2.0/24", "peer:192.0.2.0/24", "host:192.0.2.0/24"]], ["am main|", ['am city:"Frankfurt am Main"']], ["place:1|", []], ["tc|", ["proto:tcp"]],
  ])("of %s", (marked, want) => expect(at(marked)).toEqual(want));

  test("ranks the beginning of a name before its words, and these before what is inside", () => {
    expect(ranked("nig", words("country")).map((v) => v.value)).toEqual(["NE", "NG"]);
    expect(ranked("main", words("city"))).toHaveLength(1);
    expect(ranked("rman", words("country")).map((v) => v.value)).toEqual(["DE"]);
    expect(ranked("er", words("country"))).toEqual([]); // two letters inside are everywhere
  });

  test("what is accepted can be read", () => {
    for (const marked of ["germ|", 'city:"new|', "asn:tele|", "-label:my|"]) for (const text of at(marked)) expect(read(text).mistake, text).toBeUndefined();
  });
});

test("a mistake is mended in place", () => {
  const text = "country:DE prot:tcp -port:53", { mistake } = read(text);
  expect(mended(text, mistake!)).toBe("country:DE proto:tcp -port:53");
});

test("a country's name where its code is due can never match, and is told", () => {
  const text = 'port:53 country:Germany', m = advice(read(text).terms!, text, () => words("country"))!;
  expect(mended(text, m)).toBe("port:53 country:DE");
  expect(advice(read("country:de,FR city:Germany").terms!, "country:de,FR city:Germany", () => { throw Error("asked for nothing"); })).toBeUndefined();
  expect(advice(read('country:"United States"').terms!, 'country:"United States"', () => words("country"))).toMatchObject({ fix: "US", start: 8, end: 23 });
});
