// Runs inside a network namespace for wire.mjs, until its standard input ends.
//   sink PATH  takes all datagrams to ports 53 and 123, so that nobody answers them,
//              and hands on a UNIX socket's connections to the dashboard in here
//   source     sends datagrams as told: { from, to, port, count, size } a line
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

const say = (v) => process.stdout.write(JSON.stringify(v) + "\n");
const lines = createInterface({ input: process.stdin });
lines.on("close", () => process.exit(0));

const bound = (port, address) => new Promise((done, failed) => {
  const s = createSocket("udp4");
  s.on("error", failed);
  s.bind(port, address, () => done(s));
});

if (process.argv[2] === "sink") {
  await Promise.all([53, 123].map((port) => bound(port, "0.0.0.0")));
  const relay = createServer((c) => {
    const on = connect(8080, "127.0.0.1");
    for (const [a, b] of [[c, on], [on, c]]) {
      a.pipe(b);
      a.on("error", () => b.destroy());
      a.on("close", () => b.destroy());
    }
  });
  await new Promise((done) => relay.listen(process.argv[3], done));
} else {
  lines.on("line", async (line) => {
    const { from, to, port, count, size } = JSON.parse(line);
    const s = await bound(0, from), payload = Buffer.alloc(size);
    // One after the other: each is out before the next is made.
    for (let i = 0; i < count; i++) await new Promise((done, failed) => s.send(payload, port, to, (e) => (e ? failed(e) : done())));
    s.close();
    say({ sent: count });
  });
}
say({ up: true });
