// Runs every file of scenarios in this folder, three at a time on two cores: npm run test:browser.
//   node test/browser/run.mjs map time     only these
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url)), wanted = process.argv.slice(2);
/** A file is one of scenarios if it holds some at its top. */
const holds = (name) => /^(scenarios|describe)\(/m.test(readFileSync(join(here, name), "utf8"));
const names = readdirSync(here).filter((n) => n.endsWith(".mjs") && holds(n)).map((n) => n.slice(0, -4));
for (const name of wanted) if (!names.includes(name)) throw new Error(`there are no scenarios ${name}: ${names.join(" ")}`);

/** These measure how soon something is seen: they have the machine to themselves. */
const alone = ["fresh"];
/** The longest first, so that none of them is left over at the end. */
const longest = ["main", "ask", "map", "hostile", "saved", "life", "axe", "alerts"];
const rank = (name) => (longest.includes(name) ? longest.indexOf(name) : longest.length);
const chosen = (wanted.length ? wanted : names).sort((a, b) => rank(a) - rank(b));

/** Runs some files; what they say comes file by file, however many run. Returns the seconds that each title took. */
async function scenarios(list, concurrency) {
  const took = new Map();
  if (list.length === 0) return took;
  const events = run({ files: list.map((n) => join(here, n + ".mjs")), concurrency, timeout: 3_600_000 });
  const note = ({ name, nesting, details }) => nesting === 0 && details?.type === "suite" && took.set(name, details.duration_ms / 1000);
  events.on("test:pass", note).on("test:fail", note);
  events.on("test:fail", (e) => e.todo === undefined && (process.exitCode = 1));
  for await (const text of events.compose(new spec())) process.stdout.write(text);
  return took;
}

const began = performance.now();
const took = [...(await scenarios(chosen.filter((n) => !alone.includes(n)), availableParallelism() + 1)), ...(await scenarios(chosen.filter((n) => alone.includes(n)), 1))];
for (const [name, seconds] of took.sort((a, b) => b[1] - a[1])) console.log(`${seconds.toFixed(0).padStart(5)} s  ${name}`);
console.log(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  in all`);
