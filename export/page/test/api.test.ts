import { afterEach, describe, expect, test, vi } from "vitest";
import { address, json, Refusal, under } from "../src/api";

afterEach(() => void vi.unstubAllGlobals());

describe("the API", () => {
  test.each([["/", "/api/v1/"], ["/heat/", "/heat/api/v1/"], ["/heat", "/heat/api/v1/"], ["/a/b", "/a/b/api/v1/"]])("is below the page: %s", (page, want) => expect(under(page)).toBe(want));

  test("is asked with escaped words", () => {
    vi.stubGlobal("location", { pathname: "/x/" });
    expect(address("top", { filter: 'city:"New York" port:1&2' })).toBe("/x/api/v1/top?filter=city%3A%22New+York%22+port%3A1%262");
    expect(address("live")).toBe("/x/api/v1/live");
  });

  test.each([
    [400, '{"title":"Bad request","detail":"port 0 is none"}', "port 0 is none", false], [429, '{"title":"Too many questions"}', "Too many questions", true],
    [502, "<html>gateway</html>", "The sensor answered 502.", true],
  ])("refuses in words: %i", async (status, body, message, passing) => {
    vi.stubGlobal("location", { pathname: "/" });
    vi.stubGlobal("fetch", () => Promise.resolve(new Response(body, { status })));
    const e = await json("top", {}).catch((x: unknown) => x) as Refusal;
    expect(e).toBeInstanceOf(Refusal);
    expect([e.message, e.passing]).toEqual([message, passing]);
  });
});
