// A wire between two network namespaces: the sensor at one end, public addresses at
// the other, and real kernels that send real packets over it. Needs root.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { required, scratch, start } from "./program.mjs";
import { proxy } from "./proxy.mjs";

/** May namespaces be made here? Where they must be, the attempt shall fail. */
export const wired = process.getuid() === 0 || required;

/** Public addresses at the far end, by the city that built-in GeoIP data has them in (8.8.8.8 is known by country only). */
export const addresses = {
  Amsterdam: "193.0.6.139", Tokyo: "133.11.0.1", "São Paulo": "200.144.248.41", "no place": "8.8.8.8",
  Paris: "212.27.40.240", Sydney: "139.130.4.5", Nairobi: "196.200.16.2", Delhi: "164.100.78.177",
};

const helper = fileURLToPath(new URL("inside.mjs", import.meta.url));
const ip = (...args) => execFileSync("ip", args, { stdio: ["ignore", "pipe", "pipe"] });
const within = (space, ...command) => execFileSync("ip", ["netns", "exec", space, ...command], { stdio: ["ignore", "pipe", "pipe"] });

/**
 * Makes a wire. run() starts the sensor on it and returns what start() does, its url
 * reachable from out here through a proxy that can be cut (its cut() and mend());
 * send() has public addresses send datagrams to the sensor's network, each of them
 * one frame, and waits until the kernel has them out. close() takes all of it down.
 */
export async function wire() {
  const id = randomBytes(3).toString("hex"), near = `ph${id}n`, far = `ph${id}f`;
  const running = [], down = [];
  const close = async () => {
    for (const s of running) await s.stop();
    for (const f of down.reverse()) await f();
    for (const space of [near, far]) try { ip("netns", "del", space); } catch { /* it was not made */ }
  };
  try {
    for (const space of [near, far]) {
      ip("netns", "add", space);
      within(space, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
      ip("-n", space, "link", "set", "lo", "up");
    }
    ip("-n", near, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", far);
    ip("-n", near, "addr", "add", "192.168.77.1/24", "dev", "eth0");
    ip("-n", far, "addr", "add", "192.168.77.254/24", "dev", "eth0");
    for (const a of Object.values(addresses)) ip("-n", far, "addr", "add", `${a}/32`, "dev", "eth0");
    for (const space of [near, far]) ip("-n", space, "link", "set", "eth0", "up");
    ip("-n", near, "route", "add", "default", "via", "192.168.77.254");
    const socket = join(scratch(), "dashboard");
    const sink = inside(near, "sink", socket), source = inside(far, "source");
    down.push(sink.stop, source.stop);
    await Promise.all([sink.next(), source.next()]); // both say that they are up
    return {
      near, far, close,
      async run({ flags = [], env = {} } = {}) {
        const sensor = await start(["run", "--interface", "eth0", "--listen", "127.0.0.1:8080", "--open", "never", "--duration", "10m", ...flags], { inside: near, env });
        running.push(sensor);
        const door = await proxy(socket);
        down.push(door.close);
        return { ...sensor, url: door.url, cut: door.cut, mend: door.mend, asked: door.asked };
      },
      /** E.g. send({ from: addresses.Tokyo, count: 30, size: 400 }). */
      send: (what) => source.ask({ count: 1, size: 100, to: "192.168.77.1", port: 53, ...what }),
    };
  } catch (e) {
    await close();
    throw e;
  }
}

/** Our helper process in a namespace: a line of JSON in, one out. */
function inside(space, ...args) {
  const child = spawn("ip", ["netns", "exec", space, process.execPath, helper, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the helper in ${space} has ended`);
    return JSON.parse(value);
  };
  return {
    next,
    ask: (what) => (child.stdin.write(JSON.stringify(what) + "\n"), next()),
    stop: () => new Promise((r) => (child.on("exit", r), child.stdin.end())),
  };
}
