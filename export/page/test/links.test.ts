import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { parse } from "../src/codec";
import { Dataset } from "../src/dataset";

vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {} }));
vi.stubGlobal("location", { href: "http://127.0.0.1:8080/heat/#unit=bytes", pathname: "/heat/", hash: "" });
const links = await import("../src/links"), model = await import("../src/model"), s = await import("../src/state");
const { apply, defaults, read } = await import("../src/url");

const ask = (address: string) => Object.fromEntries(new URL(address, "http://x").searchParams);
const none = { detail: "addresses", mask: "", title: "", note: "" } as const;

beforeEach(() => {
  apply(defaults);
  model.live.value = true;
  model.dataset.value = new Dataset(parse(new Uint8Array(readFileSync(new URL("../testdata/vector.phcols", import.meta.url)))));
});

describe("links", () => {
  test("one follows, the other is nailed to the time that is seen", () => {
    s.unit.value = "bytes";
    expect(links.moves()).toBe(true);
    expect(links.moving()).toBe("http://127.0.0.1:8080/heat/#unit=bytes");
    const v = read(links.nailed().split("#")[1]);
    expect(v).toEqual({ ...defaults, unit: "bytes", window: [model.dataset.value!.from, model.dataset.value!.to] });
    s.fixed.value = v.window;
    expect(links.moves()).toBe(false);
    expect(links.nailed()).toBe(links.moving());
  });

  test("a saved file's link is as it is", () => {
    model.live.value = false;
    expect(links.nailed()).toBe("http://127.0.0.1:8080/heat/");
  });

  test("a page is of the window and the filter, and opens in the state without them", () => {
    s.filter.value = "country:DE";
    s.clouds.value = false;
    s.direction.value = "in";
    s.last.value = "24h";
    const q = ask(links.pageAddress({ ...none, title: "a & b", note: "n" })), d = model.dataset.value!;
    expect(q).toEqual({ from: new Date(d.from).toISOString(), to: new Date(d.to).toISOString(), filter: "country:DE -label:cloud", detail: "addresses", state: "dir=in", title: "a & b", note: "n" });
    expect(read(q.state)).toEqual({ ...defaults, dir: "in" });
  });

  test("a masked page has no detail and no state, which could name what is masked", () => {
    s.selected.value = "52.5200,13.4050|DE|Land Berlin|Berlin";
    expect(ask(links.pageAddress({ ...none, detail: "full", mask: "networks" }))).toMatchObject({ mask: "networks" });
    expect(Object.keys(ask(links.pageAddress({ ...none, detail: "full", mask: "gone" })))).toEqual(["from", "to", "mask"]);
  });

  test("rows are of just what is seen, switches and brush too", () => {
    const d = model.dataset.value!;
    s.filter.value = "port:443";
    s.direction.value = "out";
    s.brush.value = [d.timeOf(2), d.timeOf(4)];
    expect(links.rowsAddress("csv")).toMatch(/^\/heat\/api\/v1\/export\.csv\?/);
    expect(ask(links.rowsAddress("ndjson"))).toEqual({ from: new Date(d.timeOf(2)).toISOString(), to: new Date(d.timeOf(4)).toISOString(), filter: "port:443 dir:out" });
  });

  test("the command for a saved file's rows can be pasted into a shell", () => {
    s.filter.value = `city:"L'Aquila"`;
    const { from, to, filter } = model.dataset.value!.meta;
    expect(links.rowsCommand("csv")).toBe(`packetheat export csv --from ${from} --to ${to} --filter '${[filter, `city:"L'\\''Aquila"`].filter(Boolean).join(" ")}' -o FILE.csv`);
  });
});
