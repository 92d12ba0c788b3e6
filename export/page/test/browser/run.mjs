// Runs every file of scenarios in this folder, one after the other: npm run test:browser.
//   node test/browser/run.mjs map time     only these
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url)), wanted = process.argv.slice(2);
/** A file is one of scenarios if it holds some at its top. */
const holds = (name) => /^(scenarios|describe)\(/m.test(readFileSync(join(here, name), "utf8"));
const names = readdirSync(here).filter((n) => n.endsWith(".mjs") && holds(n)).map((n) => n.slice(0, -4));
for (const name of wanted) if (!names.includes(name)) throw new Error(`there are no scenarios ${name}: ${names.join(" ")}`);

// One at a time: two browsers and a sensor on two cores measure each other.
run({ files: (wanted.length ? wanted : names).map((n) => join(here, n + ".mjs")), concurrency: 1, timeout: 300_000 })
  .on("test:fail", (e) => e.todo === undefined && (process.exitCode = 1))
  .compose(new spec())
  .pipe(process.stdout);
