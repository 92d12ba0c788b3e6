// make screenshots: twelve states of the page, each a picture of a fixed size in
// export/page/shots. Names may be given: make screenshots ARGS="card globe".
//
// The traffic is the demo's, a day of it with two hours off, replayed into a store:
// the same on every machine, apart from the date. The page is the real dashboard, and
// the saved file the real export.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { history, launch, openFile, packetheat, row, scratch, serve, settled } from "./harness.mjs";

const folder = fileURLToPath(new URL("../../shots", import.meta.url));
const hours = (n) => n * 3600_000;
/** The last midnight (UTC): whole hours, and nothing is live. */
const end = new Date(new Date().toISOString().slice(0, 10)).getTime();
const at = (before) => new Date(end - before).toISOString().replace(".000", "");
const day = `window=${at(hours(24))}/${at(0)}&tz=utc`;

/** Opens the card of London, which is there in any demo. */
async function london(page) {
  await page.waitForSelector(row);
  await page.$$eval(row, (all) => (all.find((e) => e.textContent.startsWith("London")) ?? all[0]).click());
  await page.waitForSelector(".card .numbers");
}

async function typeFilter(page) {
  await page.focus("#filter");
  await page.type("#filter", " port:44");
}

/** name: { hash, and what else differs from 1440 × 900, dark, the dashboard } */
const states = {
  dark: { hash: `#${day}&theme=dark` },
  light: { hash: `#${day}&theme=light`, dark: false },
  direction: { hash: `#${day}&theme=dark&map=directions&view=48,9,4` },
  globe: { hash: `#${day}&theme=dark&proj=globe` },
  card: { hash: `#${day}&theme=dark&view=50,6,5`, act: london },
  filter: { hash: `#${day}&theme=light&filter=proto:tcp%20-country:US,CN`, dark: false, act: typeFilter },
  playback: { hash: `#theme=dark&tz=utc&at=${at(hours(14))}`, saved: true },
  compare: { hash: `#window=${at(hours(12))}/${at(0)}&tz=utc&theme=light&compare=before`, dark: false },
  empty: { hash: `#${day}&theme=dark&filter=country:AQ` },
  phone: { hash: `#${day}&theme=dark`, width: 360, height: 740, scale: 2, touch: true },
  print: { hash: `#${day}`, width: 1055, height: 726, print: true }, // A4 across, without its margins
  saved: { hash: "#theme=light&tz=utc", saved: true, dark: false },
};

async function shoot(browser, name, url, file) {
  const { hash, act, print, saved, width = 1440, height = 900, ...more } = states[name];
  const { page, seen } = await openFile(browser, file, { hash, width, height, ...(saved ? {} : { url, offline: false }), ...more });
  try {
    if (print) await page.emulateMediaType("print");
    await act?.(page);
    await settled(page);
    await settled(page);
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: !!print });
    if (seen.errors.length) throw new Error(`${name}: the page complained: ${seen.errors.join("; ")}`);
  } finally {
    await page.close();
  }
}

const wanted = process.argv.slice(2);
for (const name of wanted) if (!states[name]) throw new Error(`there is no state ${name}: ${Object.keys(states).join(" ")}`);
mkdirSync(folder, { recursive: true });
const data = await history([{ minutes: 14 * 60, from: end - hours(24), stretch: 360 }, { minutes: 8 * 60, from: end - hours(8), stretch: 360, seed: 2 }]);
const server = await serve(data), started = await launch(), saved = join(scratch(), "saved.html");
try {
  await packetheat(["export", "html", "-o", saved, "--data", data, "--title", "gw1", "--note", "What we saw on Saturday, for the weekly review."]);
  for (const name of wanted.length ? wanted : Object.keys(states)) {
    await shoot(started.browser, name, server.url, saved);
    console.log(`export/page/shots/${name}.png`);
  }
} finally {
  await started.close();
  await server.stop();
}
