import { expect, test } from "vitest";
import { frames, type Frame } from "../src/frames";

function frame(kind: string, done: number, body: number[]): number[] {
  return [kind.charCodeAt(0), done >> 8, done & 255, 0, 0, body.length >> 8, body.length & 255, ...body];
}

async function read(bytes: number[], piece: number): Promise<Frame[]> {
  const stream = new ReadableStream<Uint8Array>({
    start(c) {
      for (let i = 0; i < bytes.length; i += piece) c.enqueue(new Uint8Array(bytes.slice(i, i + piece)));
      c.close();
    },
  });
  const list: Frame[] = [];
  for await (const f of frames(stream)) list.push(f);
  return list;
}

const long = Array.from({ length: 3_000 }, (_, i) => i & 255);
const all = [...frame("p", 125, [1, 2, 3]), ...frame("p", 500, []), ...frame("w", 1000, long)];

test.each([1, 7, 8, 1000, 1 << 20])("frames in pieces of %i bytes", async (piece) => {
  const got = await read(all, piece);
  expect(got.map((f) => [f.kind, f.done, f.body.length])).toEqual([["p", 0.125, 3], ["p", 0.5, 0], ["w", 1, 3_000]]);
  expect([...got[0]!.body]).toEqual([1, 2, 3]);
  expect([...got[2]!.body]).toEqual(long);
});

test("a stream that is cut gives the frames before the cut", async () => {
  for (const at of [0, 5, 9, 12, all.length - 1]) {
    const got = await read(all.slice(0, at), 1000);
    expect(got.length).toBe(at < 10 ? 0 : at < 17 ? 1 : 2);
  }
});
