// The one stream of events that a tab has open: it beats, or is opened anew; it
// rests while nobody looks; and it tells when something may have been missed.

export type Connection = "connecting" | "live" | "asking" | "resting" | "lost";

/** The part of EventSource that is used. */
export interface Source {
  onopen: (() => void) | null;
  onerror: (() => void) | null;
  addEventListener(name: string, listen: (e: { data: string }) => void): void;
  close(): void;
}

export interface Hooks {
  /** The stream is open: ticks since the last answer may have been missed. Again: it was open before, and was cut. */
  opened(again: boolean): void;
  event(name: string, data: unknown): void;
  /** The stream does not come through. Resolves to whether the sensor answers other questions. */
  instead(): Promise<boolean>;
  changed(c: Connection): void;
}

/**
 * Times in ms. The server greets at once and then beats every 15 s; three beats
 * missing are a dead connection that nobody closed, or a proxy that holds events back.
 */
export const times = { greeting: 10_000, silence: 45_000, first: 1000, most: 30_000, asking: 10_000, rest: 20_000 };

/** A stream with these events; the browser's own reconnecting is not used, for it gives up on any answer but 200. */
export class Stream {
  private source: Source | null = null;
  private wait = times.first;
  private before = false; // was it ever open?
  private round = 0; // grows with all that makes an answer to instead() out of date
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private resting: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly make: () => Source, private readonly names: readonly string[], private readonly hooks: Hooks) {}

  /** Opens the stream, in place of one that may be open. */
  open(): void {
    this.drop();
    const source = (this.source = this.make());
    const mine = (f: () => void) => () => void (this.source === source && f());
    source.onopen = mine(() => {
      this.wait = times.first;
      this.round++;
      this.hooks.changed("live");
      this.hooks.opened(this.before);
      this.before = true;
    });
    source.onerror = mine(() => this.lost());
    for (const name of this.names) {
      source.addEventListener(name, (e) => {
        if (this.source !== source) return;
        this.watch(times.silence);
        const data = parse(e.data);
        if (data !== undefined) this.hooks.event(name, data);
      });
    }
    this.watch(times.greeting);
  }

  /** Nobody looks: after a while the stream rests, and gives its connection to others. */
  hide(): void {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.close();
      this.hooks.changed("resting");
    }, times.rest);
  }

  /** Somebody looks again. */
  show(): void {
    clearTimeout(this.resting);
    if (!this.source) this.open();
  }

  /** The network is said to be back. */
  hurry(): void {
    this.wait = times.first;
    if (this.retry !== undefined) this.open();
  }

  close(): void {
    clearTimeout(this.resting);
    this.round++;
    this.drop();
  }

  private drop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.watchdog);
    this.retry = undefined;
    this.source?.close();
    this.source = null;
  }

  private watch(silence: number): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.lost(), silence);
  }

  /** The stream ended. Where the sensor answers all the same, a proxy eats streams: then it is asked every so often. */
  private lost(): void {
    this.drop();
    this.retry = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(times.most, this.wait * 1.7);
    const round = ++this.round;
    this.hooks.instead().then((answered) => {
      if (round !== this.round) return;
      if (answered) this.wait = Math.min(this.wait, times.asking);
      this.hooks.changed(answered ? "asking" : "lost");
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // half an event of a connection that broke
  }
}
