// Runs the real program for scenarios: a command to its end, or a server that goes on.
// Everything that is started ends with the test, and its folders go with it.
import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const top = fileURLToPath(new URL("../../../..", import.meta.url));

/** The binary under test: make program builds it, PACKETHEAT_PROGRAM names another. */
export const program = process.env.PACKETHEAT_PROGRAM ?? join(top, "bin/packetheat");

/** Must what needs a browser or root run here? Then it fails where it would be skipped. */
export const required = process.env.PACKETHEAT_REQUIRE_CAPTURE === "1";

const folders = new Set(), children = new Set();
process.on("exit", () => {
  for (const c of children) c.kill("SIGKILL");
  for (const f of folders) rmSync(f, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** A folder that is gone when the test is. */
export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), "packetheat-scenario-"));
  folders.add(folder);
  return folder;
}

/** Our environment without what only tests know: the program refuses variables it does not know. */
function environment(more = {}) {
  const own = Object.entries(process.env).filter(([k]) => !/^(PACKETHEAT_|SSH_|SUDO_)/.test(k));
  return { ...Object.fromEntries(own), TZ: "UTC", ...more };
}

function ensureBuilt() {
  if (!existsSync(program)) throw new Error(`there is no ${program}: run make page program first`);
}

/** Runs a command to its end and returns what it said; anything but exit status 0 throws. */
export function packetheat(args, { cwd = scratch(), env } = {}) {
  ensureBuilt();
  return new Promise((done, failed) => {
    execFile(program, args, { cwd, env: environment(env), timeout: 600_000, maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      if (error) failed(new Error(`packetheat ${args.join(" ")}: ${error.message}\n${stderr}`));
      else done({ stdout, stderr });
    });
  });
}

/**
 * Starts a command that goes on, and waits until it is ready. inside is the name of
 * the network namespace it runs in (see wire.mjs).
 */
export function start(args, { cwd = scratch(), env, inside } = {}) {
  ensureBuilt();
  const command = inside ? ["ip", "netns", "exec", inside, program, ...args] : [program, ...args];
  const child = spawn(command[0], command.slice(1), { cwd, env: environment(env), stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  let said = "";
  const ended = new Promise((r) => child.on("exit", (code) => (children.delete(child), r(code))));
  return new Promise((done, failed) => {
    const note = (chunk) => {
      said += chunk;
      const ready = /^ready .*dashboard=(\S+)/m.exec(said);
      if (ready) done({
        url: ready[1] === "off" ? "" : ready[1].replace(/\/?$/, "/"), cwd, child, said: () => said,
        /** Asks for the end as Ctrl+C does, and waits for it. */
        async stop() {
          child.kill("SIGINT");
          return ended;
        },
      });
    };
    child.stdout.on("data", note);
    child.stderr.on("data", note);
    ended.then((code) => failed(new Error(`packetheat ${args.join(" ")} ended with ${code} before it was ready:\n${said}`)));
  });
}

/** The dashboard of a store: { url, stop() … }. More flags, cwd and env may follow. */
export const serve = (data, { flags = [], ...more } = {}) => start(["serve", "--data", data, "--listen", "127.0.0.1:0", ...flags], more);

/** The demo: the whole sensor, on a veth pair with the world's traffic. Ends after ten minutes at most. */
export const demo = ({ flags = [], ...more } = {}) => start(["demo", "--listen", "127.0.0.1:0", "--open", "never", "--duration", "10m", ...flags], more);

/**
 * A capture file of the demo's traffic that ends now, unless from says when it begins:
 * see cmd/internal/demo/record.
 */
export function recording({ minutes = 60, from = new Date(Date.now() - minutes * 60_000), stretch = Math.max(1, minutes / 4), seed = 1 } = {}) {
  const file = join(scratch(), "demo.pcap");
  execFileSync("go", ["run", "./cmd/internal/demo/record", "-o", file, "-from", new Date(from).toISOString().replace(/\.\d+Z$/, "Z"), "-for", `${minutes}m`, "-stretch", String(stretch), "-seed", String(seed)], { cwd: top, stdio: ["ignore", "pipe", "inherit"] });
  return file;
}

/**
 * A store with history, replayed by the program from capture files of the demo's
 * traffic. Each of the parts is one replay; between two of them the sensor was off.
 * Returns the folder for serve() or for --data.
 */
export async function history(parts = [{}], env) {
  const data = join(scratch(), "data");
  for (const part of Array.isArray(parts) ? parts : [parts]) await packetheat(["replay", recording(part), "--data", data], { env });
  return data;
}

/** Has Go write a page of made-up traffic, or columns: see testdata/sample. Returns its path. */
export function sample(...flags) {
  const file = join(scratch(), "sample.html");
  execFileSync("go", ["run", "./export/page/testdata/sample", "-o", file, ...flags], { cwd: top, stdio: "pipe" });
  return file;
}
