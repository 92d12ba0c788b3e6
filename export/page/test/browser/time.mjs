// Time in a saved file: playback, windows, the strip of the whole, and what changed.
import assert from "node:assert/strict";
import { sample, scenarios, settled } from "./harness.mjs";

const counts = (page) => page.evaluate(() => window.__packetheat.counts);
const text = (page, selector) => page.$eval(selector, (e) => e.textContent);
const hash = (page) => decodeURIComponent(new URL(page.url()).hash);
/** Waits for the page to say something somewhere. */
const says = (page, selector, want) => page.waitForFunction((s, w) => new RegExp(w).test(document.querySelector(s)?.textContent ?? ""), {}, selector, want.source);
/** Numbers of the list of changes, exactly: [name, before, now, change]. */
const changes = (page) => page.$$eval(".changes tbody tr", (rows) => rows.map((r) => [r.querySelector(".text").textContent, ...[...r.querySelectorAll("td")].map((c) => Number(c.title.replaceAll(",", "").replace("\u2212", "-")))]));

scenarios("playback", { browsers: ["chromium", "firefox"] }, ({ kind: browser, test, visit, before }) => {
  let file;
  before(() => (file = sample("-rows", "10000", "-places", "300"))); // 14:00 to 14:30, off from 14:16 to 14:18

  test("shows one step after the other, all of them, on one scale", async () => {
    await visit(file, { hash: "#tz=utc" }, async (page) => {
      const all = (await counts(page)).packets, seen = new Set(), scales = new Set();
      await page.keyboard.press("ArrowRight");
      await says(page, ".clock", /^14:00:00/);
      let sum = 0;
      for (let i = 0; i < 60; i++) {
        seen.add(await text(page, ".clock b"));
        sum += (await counts(page)).packets;
        scales.add(JSON.stringify(await page.evaluate(() => window.__packetheat.scale)));
        await page.keyboard.press("ArrowRight");
      }
      assert.equal(seen.size, 60);
      assert.equal(sum, all, "the steps are not the window");
      assert.equal(scales.size, 1, [...scales].join());
      assert.match(await text(page, ".clock b"), /14:29:30/, "behind the last step there is none");
      assert.match(await text(page, ".sentence"), /14:29:30–14:30/);
      await page.keyboard.press("Escape");
      assert.equal((await counts(page)).packets, all);
      assert.equal(await page.$(".clock"), null);
    });
  });

  test("runs by itself, rests, and is in the link", async () => {
    await visit(file, { hash: "#tz=utc&speed=4" }, async (page) => {
      await page.keyboard.press(" ");
      await page.waitForFunction(() => document.querySelector(".clock b")?.textContent >= "14:02");
      await page.keyboard.press(" ");
      assert.equal(await page.$eval(".player .play", (e) => e.ariaLabel), "Play");
      const at = await text(page, ".clock b");
      await page.waitForFunction((t) => decodeURIComponent(location.hash).includes(`at=2026-11-17T${t}Z`), {}, at);
      const again = await page.evaluate(() => location.hash);
      const shown = await counts(page);
      await page.goto("about:blank");
      await page.goto(new URL(`file://${file}`).href + again);
      await page.waitForFunction(() => window.__packetheat?.ready);
      assert.deepEqual([await text(page, ".clock b"), await counts(page)], [at, shown]);
    });
  });

  test("says no data where the sensor was off, and finds the gap by a key", async () => {
    await visit(file, { hash: "#tz=utc" }, async (page) => {
      await page.keyboard.press("ArrowRight");
      await page.keyboard.down("Shift");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.up("Shift");
      await says(page, ".clock", /^14:16:00.*no data/);
      assert.match(await text(page, ".sentence"), /no data/);
      assert.doesNotMatch(await text(page, ".sentence"), /packets/);
      assert.match(await page.$eval("canvas.map", (e) => getComputedStyle(e).filter), /grayscale/);
      await page.keyboard.press("ArrowLeft");
      await says(page, ".clock", /^14:15:30/);
      assert.equal(await page.$eval("canvas.map", (e) => getComputedStyle(e).filter), "none");
    });
  });

  test("adds up to the window", async () => {
    await visit(file, { hash: "#tz=utc&play=growing" }, async (page) => {
      const all = (await counts(page)).packets;
      await page.keyboard.press("ArrowRight");
      const first = (await counts(page)).packets;
      await page.keyboard.press("End");
      await says(page, ".clock", /^14:29:30/);
      assert.ok(first < all);
      assert.equal((await counts(page)).packets, all);
      await page.keyboard.press("Home");
      assert.equal((await counts(page)).packets, first);
    });
  });

  test("goes where one presses on the course of time", async () => {
    await visit(file, { hash: "#tz=utc&at=2026-11-17T14:00:00Z" }, async (page) => {
      const box = await (await page.$(".u-over")).boundingBox();
      await page.mouse.click(box.x + (box.width * 20.25) / 30, box.y + 20); // of thirty minutes
      await says(page, ".clock", /^14:20:00/);
      assert.doesNotMatch(hash(page), /[#&]t=/, "that was no brush");
    });
  });

  test("goes in steps for who wants less motion", { skip: browser === "firefox" && "no reduced motion by WebDriver BiDi" }, async () => {
    await visit(file, { still: true }, async (page) => {
      await page.keyboard.press(" ");
      await page.waitForSelector(".clock");
      const at = await text(page, ".clock b");
      assert.equal(await page.$eval(".player .play", (e) => e.ariaLabel), "Next step");
      await page.keyboard.press(" ");
      assert.notEqual(await text(page, ".clock b"), at);
    });
  });
});

scenarios("windows of a saved file", {}, ({ test, visit, before }) => {
  let file;
  before(() => (file = sample("-rows", "10000", "-places", "300")));

  test("are typed as on the command line, and mistakes explained", async () => {
    await visit(file, { hash: "#tz=utc" }, async (page) => {
      const all = (await counts(page)).packets;
      await page.click('[data-choice="custom"]');
      const type = async (name, value) => {
        await page.click(`.stretch [name=${name}]`, { count: 3 });
        await page.type(`.stretch [name=${name}]`, value);
      };
      await type("from", "noonish");
      await page.keyboard.press("Enter");
      await says(page, ".stretch [role=alert]", /“noonish” is not a time: write 2026-11-21/);
      await type("from", "2026-11-17 14:05");
      await type("to", "2026-11-17T14:15:00Z");
      await page.keyboard.press("Enter");
      await settled(page);
      assert.match(hash(page), /window=2026-11-17T14:05:00Z\/2026-11-17T14:15:00Z/);
      assert.match(await text(page, ".sentence"), /14:05–14:15 UTC/);
      const part = (await counts(page)).packets;
      assert.ok(part > 0.2 * all && part < 0.5 * all, `${part} of ${all}`);
      assert.ok(await page.$(".overview canvas"), "no strip of the whole");
      await page.focus(".overview canvas");
      await page.keyboard.press("Home");
      await settled(page);
      assert.match(hash(page), /window=2026-11-17T14:00:00Z\/2026-11-17T14:10:00Z/);
      await page.keyboard.press("End");
      await settled(page);
      assert.equal((await counts(page)).packets, all);
      assert.equal(await page.$(".overview canvas"), null);
    });
  });

  test("are compared within the file; beyond it, the command is named", async () => {
    await visit(file, { hash: "#tz=utc&compare=before" }, async (page) => {
      assert.match(await text(page, ".changes"), /does not carry Tue 17 Nov 13:30–14:00 UTC/);
      assert.match(await text(page, ".changes code"), /packetheat top place --from 2026-11-17T14:00:00Z --to 2026-11-17T14:30:00Z --compare before/);
    });
    const total = async (h) => {
      let n;
      await visit(file, { hash: `#tz=utc&t=${h}` }, async (page) => (n = (await counts(page)).packets));
      return n;
    };
    const before = await total("2026-11-17T14:00:00Z/2026-11-17T14:10:00Z"), now = await total("2026-11-17T14:18:00Z/2026-11-17T14:28:00Z");
    await visit(file, { hash: "#tz=utc&t=2026-11-17T14:18:00Z/2026-11-17T14:28:00Z&compare=2026-11-17T14:00:00Z/2026-11-17T14:10:00Z&tab=country" }, async (page) => {
      const rows = await changes(page), sum = (i) => rows.reduce((n, r) => n + r[i], 0);
      assert.deepEqual([sum(1), sum(2), sum(3)], [before, now, now - before]);
      const sizes = rows.map((r) => Math.abs(r[3]));
      assert.deepEqual(sizes, [...sizes].sort((a, b) => b - a));
      assert.doesNotMatch(await text(page, ".changes-head"), /equal rates/);
      await page.waitForFunction(() => window.__packetheat.mode === "change");
      await page.select("[data-compare]", "before"); // 14:08 to 14:18, of which two minutes were off
      await settled(page);
      assert.match(await text(page, ".changes-head"), /14:08–14:18.*on for 10 min of this, and 8 min of the other/s);
      await page.select("[data-compare]", "");
      await settled(page);
      assert.equal(await page.$(".changes"), null);
    });
  });
});
