import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Stream, times, type Source } from "../src/stream";

/** A connection that the test plays the server of. */
class Fake implements Source {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  private listeners = new Map<string, (e: { data: string }) => void>();
  addEventListener(name: string, listen: (e: { data: string }) => void): void {
    this.listeners.set(name, listen);
  }
  close(): void {
    this.closed = true;
  }
  say(name: string, data: string): void {
    this.listeners.get(name)!({ data });
  }
}

let made: Fake[], told: string[], answers: boolean, s: Stream;
const last = () => made[made.length - 1];

beforeEach(() => {
  vi.useFakeTimers();
  made = [];
  told = [];
  answers = false;
  s = new Stream(() => (made.push(new Fake()), last()), ["tick", "beat"], {
    opened: (again) => told.push(again ? "opened again" : "opened"),
    event: (name, data) => told.push(`${name} ${JSON.stringify(data)}`),
    instead: () => Promise.resolve(answers),
    changed: (c) => told.push(c),
  });
});
afterEach(() => {
  s.close();
  vi.useRealTimers();
});

/** Opens, and forgets what was told of it. */
function opened(): Fake {
  s.open();
  last().onopen!();
  last().say("beat", "{}"); // the greeting
  told.length = 0;
  return last();
}

describe("a stream", () => {
  test("hands events on, and leaves out halves of them", () => {
    s.open();
    last().onopen!();
    last().say("tick", '{"seq":1}');
    last().say("tick", '{"se');
    expect(told).toEqual(["live", "opened", 'tick {"seq":1}']);
  });

  test("that is cut is opened again, and tells that it was", async () => {
    const first = opened();
    first.onerror!();
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual(["lost"]);
    expect(first.closed).toBe(true);
    await vi.advanceTimersByTimeAsync(times.first);
    last().onopen!();
    expect(told).toEqual(["lost", "live", "opened again"]);
    first.onerror!(); // of the old connection: nobody minds
    first.say("tick", "{}");
    expect(told).toHaveLength(3);
    expect(made).toHaveLength(2);
  });

  test("waits longer each time, but not for ever", async () => {
    opened().onerror!();
    for (let i = 0; i < 12; i++) {
      await vi.advanceTimersByTimeAsync(times.most);
      last().onerror!();
    }
    const n = made.length;
    await vi.advanceTimersByTimeAsync(times.most - 1);
    expect(made).toHaveLength(n);
    await vi.advanceTimersByTimeAsync(1);
    expect(made).toHaveLength(n + 1);
  });

  test("that says nothing is dead, though nobody closed it", async () => {
    const first = opened();
    first.say("beat", "{}");
    await vi.advanceTimersByTimeAsync(times.silence - 1);
    expect(first.closed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(first.closed).toBe(true);
    expect(told).toContain("lost");
  });

  test("lives on beats", async () => {
    const first = opened();
    for (let i = 0; i < 20; i++) {
      await vi.advanceTimersByTimeAsync(15_000);
      first.say("beat", "{}");
    }
    expect(made).toHaveLength(1);
  });

  test("that a proxy holds back is replaced by asking", async () => {
    answers = true;
    s.open(); // no greeting comes
    await vi.advanceTimersByTimeAsync(times.greeting);
    expect(told).toEqual(["asking"]);
    for (let i = 0; i < 9; i++) await vi.advanceTimersByTimeAsync(times.greeting + times.asking);
    expect(made.length).toBeGreaterThan(9); // it goes on trying
  });

  test("an answer that comes after the stream is back says nothing", async () => {
    let answer = (_: boolean) => {};
    s = new Stream(() => (made.push(new Fake()), last()), [], { opened() {}, event() {}, instead: () => new Promise((r) => (answer = r)), changed: (c) => told.push(c) });
    s.open();
    last().onerror!();
    await vi.advanceTimersByTimeAsync(times.first);
    last().onopen!();
    answer(false);
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual(["live"]);
  });

  test("rests while nobody looks, and wakes at once", async () => {
    const first = opened();
    s.hide();
    await vi.advanceTimersByTimeAsync(times.rest - 1);
    s.show(); // only a glance elsewhere
    await vi.advanceTimersByTimeAsync(times.rest);
    expect(first.closed).toBe(false);
    first.say("beat", "{}");
    s.hide();
    await vi.advanceTimersByTimeAsync(times.rest);
    expect(first.closed).toBe(true);
    expect(told.at(-1)).toBe("resting");
    await vi.advanceTimersByTimeAsync(10 * times.most);
    expect(made).toHaveLength(1);
    s.show();
    last().onopen!();
    expect(told.slice(-2)).toEqual(["live", "opened again"]);
  });

  test("tries at once when the network is back", async () => {
    opened().onerror!();
    s.hurry();
    expect(made).toHaveLength(2);
    last().onopen!();
    s.hurry(); // open already
    expect(made).toHaveLength(2);
  });

  test("that is closed stays so", async () => {
    opened().onerror!();
    s.close();
    await vi.advanceTimersByTimeAsync(10 * times.most);
    expect(made).toHaveLength(1);
    expect(told).not.toContain("lost");
  });
});
