// The live life against a sensor in small, whose answers come when the test says so.
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Columns } from "../src/codec";
import { answer, start, time, type Stored } from "./stored";

interface Asked { path: string; query: Record<string, string>; reply(): void; refuse(e: Error): void }

let stored: Stored[], now: number, asked: Asked[], sources: FakeSource[], books: { two: number };

class FakeSource {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  listeners = new Map<string, (e: { data: string }) => void>();
  constructor(readonly url: string) {
    sources.push(this);
  }
  addEventListener(name: string, f: (e: { data: string }) => void): void {
    this.listeners.set(name, f);
  }
  close(): void {}
}

const seconds = (text: string) => (Date.parse(text) - start) / 1000;

/** What the sensor has at the moment of the question; it is heard later. */
function columns(query: Record<string, string>): Columns {
  const from = query.from ? seconds(query.from) : now - 300, to = query.to ? seconds(query.to) : now;
  const c = answer(stored, from, to, 10);
  c.meta.totals.twoPublic = books.two;
  c.meta.totals.packets = stored.filter((p) => p.second >= from && p.second < to).reduce((n, p) => n + p.packets, 0);
  return c;
}

function question<T>(path: string, query: Record<string, string>, value: T): Promise<T> {
  return new Promise((reply, refuse) => asked.push({ path, query, reply: () => reply(value), refuse }));
}

vi.mock("../src/api", async (original) => ({
  ...(await original<typeof import("../src/api")>()),
  cells: (query: Record<string, string>) => question("cells", query, columns(query)),
  async *cellsGradually(query: Record<string, string>) {
    yield { data: await question("gradually", query, columns(query)), done: 1 };
  },
  json: (path: string, query: Record<string, string>) => question(path, query, path === "series" ? { coverage: { packets: 777, bytes: 7, two_public: 3, unlocated: 0 } } : {}),
}));

let live: typeof import("../src/live"), model: typeof import("../src/model"), s: typeof import("../src/state");

beforeEach(async () => {
  vi.useRealTimers();
  vi.resetModules();
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {} }));
  vi.stubGlobal("location", { pathname: "/", href: "http://x/" });
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("document", { addEventListener() {}, visibilityState: "visible" });
  vi.stubGlobal("EventSource", FakeSource);
  [stored, now, asked, sources, books] = [[{ second: 100, place: 1, packets: 10 }], 300, [], [], { two: 0 }];
  [live, model, s] = [await import("../src/live"), await import("../src/model"), await import("../src/state")];
  s.last.value = "5m";
  live.start();
});

const turn = () => new Promise((r) => setTimeout(r, 0));
const of = (path: string) => asked.filter((a) => a.path === path);

/** Answers all that is asked, and what that leads to. */
async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) {
    for (const a of asked.splice(0)) a.reply();
    await turn();
  }
}

/** A commit: it is stored, and told. */
function commit(second: number, place: number, packets: number, tell = true): void {
  stored.push({ second, place, packets });
  now = Math.max(now, second + 11);
  if (tell) sources.at(-1)!.listeners.get("tick")!({ data: JSON.stringify({ tick: time(second), interval: 10 }) });
}

const packets = () => model.sums.value!.totalPackets;

describe("the live page", () => {
  test("has a tick that came while the window was being read", async () => {
    expect(of("gradually")).toHaveLength(1); // asked before the commit
    sources[0].onopen!();
    commit(290, 2, 5);
    await settle();
    expect(packets()).toBe(15);
    expect(of("gradually")).toHaveLength(0);
  });

  test("has a tick that was committed between the answer and the stream", async () => {
    commit(295, 2, 5, false);
    await settle();
    sources[0].onopen!();
    await settle();
    expect(packets()).toBe(15);
  });

  test("counts a tick once, whoever tells it, and late packets too", async () => {
    await settle();
    sources[0].onopen!();
    for (const n of [7, 8]) commit(300, n, 100); // two sensors
    await settle();
    expect(packets()).toBe(210);
    commit(300, 9, 1); // late
    commit(100, 1, 1); // later still
    await settle();
    expect(packets()).toBe(212);
    expect(model.dataset.value!.to).toBe(start + 310_000);
  });

  test("asks for the bins of a tick, not for the window", async () => {
    await settle();
    sources[0].onopen!();
    await settle();
    commit(300, 7, 1);
    expect(asked.map((a) => [a.path, a.query.from, a.query.to])).toEqual([["cells", time(300), time(310)]]);
  });

  test("asks one question for what comes while it waits", async () => {
    await settle();
    sources[0].onopen!();
    await settle();
    for (const second of [300, 310, 320, 330]) commit(second, 7, 1);
    expect(asked).toHaveLength(1);
    await settle();
    expect(packets()).toBe(14);
  });

  test("after a cut has what was missed", async () => {
    await settle();
    sources[0].onopen!();
    await settle();
    const data = model.dataset.value;
    sources[0].onerror!();
    for (const a of asked.splice(0)) a.refuse(new TypeError("no network"));
    await turn();
    expect(live.connection.value).toBe("lost");
    expect(model.dataset.value).toBe(data); // kept
    expect(live.trouble.value).toBe("");
    commit(310, 4, 40, false);
    live.hurry();
    sources[1].onopen!();
    expect(live.connection.value).toBe("live");
    expect(of("gradually")).toHaveLength(0); // the map does not grow anew
    await settle();
    expect(packets()).toBe(50);
  });

  test("a question that was overtaken shows nothing", async () => {
    const first = asked.splice(0);
    s.filter.value = "country:FR";
    expect(of("gradually")[0].query.filter).toBe("country:FR");
    stored = [];
    first.forEach((a) => a.reply());
    await turn();
    expect(model.dataset.value).toBeNull();
    await settle();
    expect(model.dataset.value).not.toBeNull();
  });

  test("says what is wrong with a filter, and keeps the map", async () => {
    await settle();
    const { Refusal } = await import("../src/api");
    s.filter.value = "nonsense";
    of("gradually")[0].refuse(new Refusal("“nonsense” is not a filter", 400));
    await turn();
    expect(live.trouble.value).toBe("“nonsense” is not a filter");
    expect(packets()).toBe(10);
    asked.length = 0;
    s.filter.value = "";
    await settle();
    expect(live.trouble.value).toBe("");
  });

  test("takes the headline from the books where packets are in two rows", async () => {
    books.two = 3;
    await settle();
    sources[0].onopen!();
    await settle();
    commit(300, 7, 1);
    await turn();
    expect(of("cells")[0].query.from).toBe(time(300));
    await settle();
    expect(model.dataset.value!.meta.totals).toMatchObject({ packets: 777, bytes: 7, twoPublic: 3 });
  });

  test("an absolute window stands still", async () => {
    s.fixed.value = [start, start + 300_000];
    await settle();
    sources[0].onopen!();
    await settle();
    commit(400, 7, 1);
    commit(200, 7, 5); // late, and inside
    await settle();
    expect(packets()).toBe(15);
    expect([model.dataset.value!.from, model.dataset.value!.to]).toEqual([start, start + 300_000]);
  });

  test("tells that the program behind it was replaced", async () => {
    const status = (version: string) => sources[0].listeners.get("status")!({ data: JSON.stringify({ version }) });
    status("1.0");
    status("1.0");
    expect(live.renewed.value).toBe(false);
    status("1.1");
    expect(live.renewed.value).toBe(true);
  });
});
