import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

beforeEach(() => {
  vi.resetModules();
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {} }));
  vi.stubGlobal("location", { pathname: "/", search: "", href: "http://x/", replace() {} });
});
afterEach(() => void vi.unstubAllGlobals());

describe("the way to signing in", () => {
  test.each([
    ["/", "", "", "/login"], ["/heat", "", "last=1h", "/heat/login#last=1h"], ["/heat/", "?in", "a=b", "/heat/login?in#a=b"], ["/", "?token=x", "", "/login"],
  ])("from %s%s with %s", async (pathname, search, state, want) => {
    const { door } = await import("../src/signin");
    expect(door(pathname, search, state)).toBe(want);
  });

  test("carries the state of now, not that of the address", async () => {
    const replace = vi.fn();
    vi.stubGlobal("location", { pathname: "/", search: "", hash: "#last=24h", replace });
    const { signIn } = await import("../src/signin"), s = await import("../src/state");
    s.filter.value = "port:53";
    signIn();
    expect(replace).toHaveBeenCalledExactlyOnceWith("/login#filter=port:53");
  });

  test.each([
    ["application/problem+json", 401, true], ["application/problem+json; charset=utf-8", 401, true], ["text/html", 401, false], ["application/problem+json", 403, false],
  ])("is taken for %s of %i: %s", async (type, status, taken) => {
    const api = await import("../src/api");
    vi.stubGlobal("fetch", () => Promise.resolve(new Response('{"detail":"sign in"}', { status, headers: { "Content-Type": type } })));
    await expect(api.json("status", {})).rejects.toThrow("sign in");
    expect(api.signedOut.value).toBe(taken);
  });
});
