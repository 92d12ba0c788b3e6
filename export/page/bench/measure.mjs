// Measures one page in a browser of its own.
import { statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { launch } from "../test/browser/browser.mjs";
import { probe } from "./probe.mjs";

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Waits until the map rests: by the clock, for what watches the page would be measured with it. */
const settled = (page, ms = 350) => page.evaluate((ms) => new Promise((r) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(r)), ms)), ms);

/** A map that is thrown glides on for a second or so. */
const glides = 1500;

/** A browser that has just started keeps both cores busy with itself for a second. */
const starts = 1500;

/** kind is "packetheat" or "folium". */
export async function measure(kind, file) {
  const started = await launch();
  try {
    const page = await started.browser.newPage();
    await page.setViewport({ width: 1280, height: 800 });
    await page.setOfflineMode(true);
    await page.evaluateOnNewDocument(probe, kind);
    await new Promise((done) => setTimeout(done, starts));
    await page.goto(pathToFileURL(file).href);
    await page.waitForFunction(() => window.__bench.painted, { timeout: 60_000 });
    const painted = await page.evaluate(() => window.__bench.painted);
    await settled(page);
    const heap = await heapOf(page);
    const pan = await drag(page);
    const steps = kind === "folium" ? await foliumSteps(page) : await ourSteps(page);
    return { bytes: statSync(file).size, painted, heap, ...pan, ...steps };
  } finally {
    await started.close();
  }
}

/** Bytes in use after garbage is collected, what typed arrays hold included. */
async function heapOf(page) {
  const client = await page.createCDPSession();
  await client.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = await client.send("Runtime.getHeapUsage");
  await client.detach();
  return usedSize + backingStorageSize;
}

/** A drag over the map: its median frame, and its longest with the release. */
async function drag(page) {
  await page.mouse.move(640, 330);
  await page.mouse.down();
  await page.evaluate(() => window.__bench.frames());
  for (let i = 1; i <= 20; i++) {
    await page.mouse.move(640 + 8 * i, 330 + 2 * i);
    await page.evaluate(() => window.__bench.frame());
  }
  await page.mouse.up();
  await settled(page, glides);
  const frames = await page.evaluate(() => window.__bench.stop());
  return { pan: Math.max(...frames), panMedian: median(frames) };
}

/** What Folium can do besides panning: hide a layer and show it again. */
async function foliumSteps(page) {
  const layer = await page.evaluate(async () => {
    const box = document.querySelector(".leaflet-control-layers-overlays input");
    await window.__bench.step(() => box.click());
    return window.__bench.step(() => box.click());
  });
  return { layer };
}

/** Filters as people have them, one after the other. */
const filters = ["US,DE,JP", "US,FR", "CN,GB,JP", "US,BR,IN", "DE", "GB,FR,NL", "JP,KR", "CA,US", "AU,NZ,SG", "IN", "US,DE,JP"];

/** A layer, filters (the first is of code that has not run yet), a brush that is moved, and a playback by its button. */
async function ourSteps(page) {
  const { layer, first, chosen, brush } = await page.evaluate(async (filters) => {
    const { step } = window.__bench, counts = () => JSON.stringify(window.__packetheat.counts);
    const measured = async (act) => {
      const before = counts();
      return step(act, () => counts() !== before);
    };
    const button = document.querySelector('[data-proto="tcp"]');
    await measured(() => button.click());
    const layer = await measured(() => button.click());
    const hash = (text) => measured(() => (location.hash = text));
    const all = [];
    for (const countries of filters) all.push(await hash(`#filter=country:${countries}`));
    await hash("#t=2026-11-17T14:00:00Z/2026-11-17T14:04:00Z");
    const brush = [];
    for (let s = 10; s <= 100; s += 10) {
      const iso = (seconds) => new Date(Date.UTC(2026, 10, 17, 14, 0, seconds)).toISOString().replace(".000", "");
      brush.push(await hash(`#t=${iso(s)}/${iso(240 + s)}`));
    }
    await hash("#");
    const [first, ...chosen] = all;
    return { layer, first, chosen, brush };
  }, filters);
  await page.click('[aria-label="Play"]');
  await page.click('[aria-label="Pause"]');
  await settled(page);
  const played = await page.evaluate(async () => {
    const on = document.querySelector('[aria-label="One step on"]'), clock = () => document.querySelector(".clock").textContent, all = [];
    for (let i = 0; i < 10; i++) {
      const before = clock();
      all.push(await window.__bench.step(() => on.click(), () => clock() !== before));
    }
    return all;
  });
  return { layer, first, filter: median(chosen), brush: median(brush), playback: median(played) };
}
