// make bench-page: saved pages beside Folium's of the same rows, in one run.
//
// Three sizes, each tool three times, taking turns, in a fresh Chromium each time:
// medians. The machine's noise is in all of them alike, so only ratios count.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { measure } from "./measure.mjs";
import { report } from "./report.mjs";

const top = fileURLToPath(new URL("../../..", import.meta.url)), here = fileURLToPath(new URL(".", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "packetheat-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const sizes = (process.argv[2] ?? "10000,100000,1000000").split(",").map(Number), rounds = Number(process.argv[3] ?? 3);
/** Places besides the 46 cities: more traffic comes from more places, by the root as words do in a text. */
const places = (rows) => Math.round(6 * Math.sqrt(rows));

function files(rows) {
  const file = (name) => join(folder, `${rows}-${name}`);
  const sample = (out, ...flags) => execFileSync("go", ["run", "./export/page/testdata/sample", "-rows", String(rows), "-places", String(places(rows)), "-o", out, ...flags], { cwd: top });
  sample(file("places.html"), "-details", "0", "-points", file("points.csv"));
  sample(file("addresses.html"));
  execFileSync("/usr/bin/python3", ["-B", join(here, "ancestor.py"), file("points.csv"), file("folium.html")]);
  return { rows, ours: file("places.html"), addresses: statSync(file("addresses.html")).size, folium: file("folium.html") };
}

const median = (runs, name) => runs.map((r) => r[name]).sort((a, b) => a - b)[runs.length >> 1];
const medians = (runs) => Object.fromEntries(Object.keys(runs[0]).map((name) => [name, median(runs, name)]));

const table = [];
for (const rows of sizes) {
  const made = files(rows), ours = [], folium = [];
  for (let i = 0; i < rounds; i++) {
    folium.push(await measure("folium", made.folium));
    ours.push(await measure("packetheat", made.ours));
    console.error(`${rows} rows, round ${i + 1} of ${rounds}`);
  }
  table.push({ rows, places: places(rows) + 46, ours: { ...medians(ours), addresses: made.addresses }, folium: medians(folium) });
}
console.log(report(table, gzipSync(readFileSync(join(top, "export/page/dist/index.html")), { level: 9 }).length));
