// What the map shows, and how: modes, weights, the scale, marks, names, lines.
//   npm run build && npm run test:browser
import assert from "node:assert/strict";
import { pixels, sample, scenarios, settled } from "./harness.mjs";

const ashburn = [-77.4874, 39.0438];
const kinds = ["equal-earth", "mercator", "globe"];

const at = (page, [lon, lat]) => page.evaluate((lon, lat) => window.__packetheat.project(lon, lat), lon, lat);
const scale = (page) => page.evaluate(() => window.__packetheat.scale);
const pixel = (p, [x, y]) => [...p.data.subarray(4 * (Math.round(y) * p.width + Math.round(x)), 4 * (Math.round(y) * p.width + Math.round(x)) + 3)];

scenarios("what the map shows", { browsers: ["chromium"] }, ({ test, visit, before }) => {
  let full, few;
  before(() => {
    full = sample("-rows", "10000", "-places", "600", "-home");
    few = sample("-rows", "3000");
  });

  test("directions are half-discs: in at the left, out at the right, and the legend says so", async () => {
    await visit(full, { hash: "#view=39,-77,12&map=directions" }, async (page) => {
      const shot = await pixels(page), [x, y] = await at(page, ashburn);
      const left = pixel(shot, [x - 4, y]), right = pixel(shot, [x + 4, y]);
      assert.ok(left[2] > left[0] + 40, `left is ${left}`);
      assert.ok(right[0] > right[2] + 40, `right is ${right}`);
      assert.match(await page.$eval(".legend", (e) => e.textContent), /packets.*in.*out/);
      await page.keyboard.press("d");
      await settled(page);
      assert.match(await page.$eval(".legend", (e) => e.textContent), /near here/);
      assert.ok(!page.url().includes("map="));
    });
  });

  test("a locked scale stays whatever is shown, and is in the link", async () => {
    let link;
    await visit(full, {}, async (page) => {
      const first = await scale(page);
      await page.click(".lock");
      await page.click('[data-proto="tcp"]');
      await settled(page);
      assert.deepEqual(await scale(page), first);
      link = new URL(page.url()).hash;
      await page.click(".lock");
      await settled(page);
      assert.notDeepEqual(await scale(page), first);
      assert.match(link, /scale=/);
    });
    await visit(few, { hash: link }, async (page) => {
      const [, low, high] = /scale=([\d.e+]+?)\.\.([\d.e+]+)/.exec(decodeURIComponent(link));
      assert.deepEqual(await scale(page), { low: Number(low), high: Number(high) });
    });
  });

  test("the weight is packets, bytes, bits a second or addresses", async () => {
    await visit(full, {}, async (page) => {
      const legend = () => page.$eval(".legend", (e) => e.textContent);
      assert.match(await legend(), /^packets/);
      await page.keyboard.press("a");
      await settled(page);
      assert.match(await legend(), /^addresses near here.*Of the addresses that this file carries/);
      assert.match(page.url(), /by=addresses/);
      await page.keyboard.press("m");
      await page.click('[data-option="bits"]');
      await settled(page);
      assert.match(await legend(), /^bits per second.*bit\/s/);
      await page.keyboard.press("Escape");
    });
  });

  test("every place is reached by keys, in order of its weight", async () => {
    await visit(few, {}, async (page) => {
      await page.focus("canvas.map");
      await page.keyboard.press("n");
      await page.waitForSelector(".tooltip");
      const first = await page.$eval(".tooltip b", (e) => e.textContent);
      await page.keyboard.press("n");
      await page.waitForFunction((was) => document.querySelector(".tooltip b")?.textContent !== was, {}, first);
      const second = await page.$eval(".tooltip b", (e) => e.textContent);
      await page.keyboard.press("Enter");
      await page.waitForSelector(".card");
      assert.ok((await page.$eval(".card h2", (e) => e.textContent)).includes(second));
      await page.keyboard.press("Escape");
    });
  });

  test("a country of which nothing more is known is hatched, and opens by a click anywhere in it", async () => {
    await visit(few, { hash: "#view=-12,-54,4" }, async (page) => {
      assert.match(await page.$eval(".legend", (e) => e.textContent), /only the country is known/);
      const [x, y] = await at(page, [-57, -8]);
      await page.mouse.click(x, y);
      await page.waitForSelector(".card");
      assert.match(await page.$eval(".card h2", (e) => e.textContent), /Brazil/);
    });
  });

  test("lines lead from home where it is known", async () => {
    await visit(full, { hash: "#view=45,-30,2" }, async (page) => {
      const before = await pixels(page);
      await page.keyboard.press("m");
      await page.click(".map-menu input:not(:disabled)");
      await page.keyboard.press("Escape");
      await settled(page);
      assert.match(page.url(), /arcs=shown/);
      const after = await pixels(page);
      let changed = 0;
      for (let i = 0; i < before.data.length; i += 4) if (Math.abs(before.data[i] - after.data[i]) > 30) changed++;
      assert.ok(changed > 500, `${changed} pixels of lines`);
    });
    await visit(few, {}, async (page) => assert.ok(await page.$eval(".map-menu input", (e) => e.disabled)));
  });

  test("names neither cross nor stand on the legend, in each projection", async () => {
    for (const kind of kinds) {
      await visit(full, { hash: `#proj=${kind}&view=48,9,7` }, async (page) => {
        const labels = await page.evaluate(() => window.__packetheat.labels);
        assert.ok(labels.length > 8, `${labels.length} names`);
        for (const [i, a] of labels.entries()) for (const b of labels.slice(i + 1)) assert.ok(!(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h), `${a.text} on ${b.text}`);
        const [map, legend] = await page.evaluate(() => ["canvas.map", ".legend"].map((s) => document.querySelector(s).getBoundingClientRect().toJSON()));
        for (const l of labels) assert.ok(l.x + map.x > legend.right || l.x + l.w + map.x < legend.x || l.y + map.y > legend.bottom || l.y + l.h + map.y < legend.y, `${l.text} under the legend`);
      });
    }
  });
});
