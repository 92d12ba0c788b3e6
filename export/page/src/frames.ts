// An answer that comes in frames: the layout is told in export/dashboard/gradual.go.

export interface Frame {
  /** p: a part, w: the whole, e: an error. */
  kind: string;
  /** Share of the work that is done. */
  done: number;
  body: Uint8Array<ArrayBuffer>;
}

const headSize = 7;

/** Yields whole frames; what is cut within one is left out. */
export async function* frames(stream: ReadableStream<Uint8Array>): AsyncGenerator<Frame> {
  const reader = stream.getReader();
  let held = new Uint8Array(1 << 16), size = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      if (size + value.length > held.length) {
        const more = new Uint8Array(2 * (size + value.length));
        more.set(held.subarray(0, size));
        held = more;
      }
      held.set(value, size);
      size += value.length;
      for (;;) {
        const head = new DataView(held.buffer), end = size < headSize ? Infinity : headSize + head.getUint32(3);
        if (size < end) break;
        yield { kind: String.fromCharCode(held[0]!), done: head.getUint16(1) / 1000, body: held.slice(headSize, end) };
        held.copyWithin(0, end, size);
        size -= end;
      }
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}
