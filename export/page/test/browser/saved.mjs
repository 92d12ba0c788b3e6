// Opens saved pages that Go wrote from file://, with the network off.
//   npm run build && npm run test:browser
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium, launch, openFile, patience, settled } from "./browser.mjs";
import { difference, pixels } from "./pixels.mjs";

const folder = mkdtempSync(join(tmpdir(), "packetheat-saved-"));
const ashburn = [-77.4874, 39.0438], pacific = [-150, -35];
let started;

/** Has Go write a page. */
function sample(name, ...flags) {
  const file = join(folder, name);
  execFileSync("go", ["run", "./testdata/sample", "-o", file, ...flags], { cwd: fileURLToPath(new URL("../..", import.meta.url)), stdio: "pipe" });
  return file;
}

const counts = (page) => page.evaluate(() => window.__packetheat.counts);
const at = (page, [lon, lat]) => page.evaluate((lon, lat) => window.__packetheat.project(lon, lat), lon, lat);

describe("a saved page", { skip: chromium ? false : "no chromium" }, () => {
  let full, empty;
  before(async () => {
    full = sample("full.html", "-rows", "10000", "-places", "600");
    empty = sample("empty.html", "-empty");
    started = await launch();
  });
  after(async () => {
    await started?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a page, runs a body, and holds it to: nothing asked, nothing complained. */
  async function on(file, options, body) {
    const { page, seen } = await openFile(started.browser, file, options);
    try {
      await body(page);
      assert.deepEqual(seen, { requests: [], errors: [] });
    } finally {
      await page.close();
    }
  }

  test("shows heat where it should be, and none where there is nothing", async () => {
    let bare;
    const hash = "#view=20,11,1";
    await on(empty, { hash }, async (page) => {
      bare = await pixels(page);
      assert.match(await page.$eval(".empty", (e) => e.textContent), /No public traffic.*packetheat demo/s);
    });
    await on(full, { hash }, async (page) => {
      const now = await pixels(page), hot = await at(page, ashburn), cold = await at(page, pacific);
      assert.ok(difference(bare, now, hot) > 100, "Ashburn does not glow");
      assert.equal(difference(bare, now, cold), 0, "the Pacific does");
    });
  });

  test("answers in row 1", async () => {
    await on(full, {}, async (page) => {
      const text = await page.$eval(".answer", (e) => e.textContent.replaceAll("\u202f", " "));
      const { countries } = await counts(page);
      for (const part of [/^gw1/, /17 Nov/, /[\d.]+ M packets, [\d.]+ [MG]B/, new RegExp(`${countries} countries`), /99 % located/, /42 dropped/, /written/]) assert.match(text, part);
      assert.match(await page.$eval(".footer", (e) => e.textContent), /DB-IP.*Natural Earth.*packetheat export html/s);
    });
  });

  test("switches weigh map, list and sentence anew", async () => {
    await on(full, {}, async (page) => {
      const all = await counts(page), before = await pixels(page);
      await page.click('[data-proto="tcp"]');
      await settled(page);
      const less = await counts(page), after = await pixels(page);
      assert.ok(less.packets > 0 && less.packets < all.packets);
      const hot = await at(page, ashburn);
      assert.ok(difference(before, after, [hot[0] + 6, hot[1]]) > 0, "the map did not change");
      assert.match(await page.$eval(".sentence", (e) => e.textContent), / of /);
      await page.click('[data-proto="tcp"]');
      await page.click('[data-choice="in"]');
      await settled(page);
      const inward = await counts(page);
      await page.click('[data-choice="out"]');
      await settled(page);
      const outward = await counts(page);
      assert.equal(inward.packets + outward.packets, all.packets);
      assert.equal(inward.bytes + outward.bytes, all.bytes);
      assert.match(page.url(), /dir=out/);
    });
  });

  test("opens a place's card by click, and Escape goes back", async () => {
    await on(full, { hash: "#view=39,-77,12" }, async (page) => {
      await page.mouse.click(...(await at(page, ashburn)));
      await page.waitForSelector(".card");
      const card = await page.$eval(".card", (e) => e.innerText);
      for (const part of ["Ashburn", "Virginia, United States", "Networks", "Addresses", "11.0.0.20", "443 https", "within 20 km"]) assert.ok(card.includes(part), `no ${part} in\n${card}`);
      await settled(page);
      assert.match(decodeURIComponent(page.url()), /place=39\.0438,-77\.4874/);
      await page.keyboard.press("Escape");
      await page.waitForSelector(".tabs");
    });
  });

  test("filters in its own language, and says what it cannot", async () => {
    await on(full, {}, async (page) => {
      const ask = async (text) => {
        await page.$eval("#filter", (e) => (e.value = ""));
        await page.type("#filter", text);
        await page.keyboard.press("Enter");
        await settled(page);
        return counts(page);
      };
      assert.equal((await ask("country:JP,KR")).countries, 2);
      assert.ok((await ask("port:53")).packets > 0);
      assert.equal((await ask("city:Atlantis")).packets, 0);
      assert.match(await page.$eval(".empty", (e) => e.textContent), /Nothing matches/);
      await page.click(".empty button");
      await settled(page);
      assert.equal(await page.$(".empty"), null);
      await ask("opened:them");
      assert.match(await page.$eval(".mistake", (e) => e.textContent), /ask the sensor/);
    });
  });

  test("one switch hides big clouds, on the map, in sums and lists", async () => {
    await on(full, { hash: "#tab=address" }, async (page) => {
      const all = await counts(page), tags = () => page.$$eval(".list .tag", (l) => l.map((e) => e.textContent));
      assert.ok((await tags()).includes("cloud"));
      await page.click("[data-clouds]");
      await settled(page);
      const less = await counts(page);
      assert.ok(less.packets > 0 && less.packets < all.packets, `${less.packets} of ${all.packets}`);
      assert.ok(!(await tags()).includes("cloud"));
      assert.match(page.url(), /clouds=hidden/);
      await page.click("[data-clouds]");
      await settled(page);
      assert.deepEqual(await counts(page), all);
      await page.$eval("#filter", (e) => (e.value = "label:cloud"));
      await page.focus("#filter");
      await page.keyboard.press("Enter");
      await settled(page);
      assert.equal((await counts(page)).packets, all.packets - less.packets);
    });
  });

  test("a brush on the course of time selects a part of it", async () => {
    await on(full, {}, async (page) => {
      const all = await counts(page), box = await (await page.$(".u-over")).boundingBox();
      await page.mouse.move(box.x + box.width * 0.25, box.y + 20);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.5, box.y + 20, { steps: 4 });
      await page.mouse.up();
      await settled(page);
      const part = await counts(page);
      assert.ok(part.packets > 0.05 * all.packets && part.packets < 0.6 * all.packets, `${part.packets} of ${all.packets}`);
      assert.match(decodeURIComponent(page.url()), /t=2026-11-17T14:0\d:\d\dZ\/2026-11-17T14:1\d:\d\dZ/);
      await page.click("[data-all-times]");
      await settled(page);
      assert.equal((await counts(page)).packets, all.packets);
    });
  });

  test("the hash is the state", async () => {
    await on(full, { hash: "#unit=bytes&proto=udp&dir=in&tab=country&theme=light&tz=utc" }, async (page) => {
      assert.equal(await page.$eval("html", (e) => e.dataset.theme), "light");
      assert.equal(await page.$eval('[role="tab"][aria-selected="true"]', (e) => e.textContent), "Country");
      assert.match(await page.$eval(".legend", (e) => e.textContent), /^bytes/);
      assert.match(await page.$eval(".sentence", (e) => e.textContent), /UTC/);
    });
  });

  test("pans and zooms without a change of scale", async () => {
    await on(full, {}, async (page) => {
      const scale = () => page.evaluate(() => window.__packetheat.scale);
      const first = await scale(), p = await at(page, [8.68, 50.11]);
      await page.mouse.move(...p);
      await page.mouse.wheel({ deltaY: -600 });
      await settled(page);
      const q = await at(page, [8.68, 50.11]);
      assert.ok(Math.hypot(q[0] - p[0], q[1] - p[1]) < 2, "zoom is not about the pointer");
      await page.mouse.down();
      await page.mouse.move(p[0] + 120, p[1] - 40, { steps: 5 });
      await new Promise((r) => setTimeout(r, 200)); // held still: a map that is thrown glides on
      await page.mouse.up();
      await settled(page);
      const r = await at(page, [8.68, 50.11]);
      assert.ok(Math.abs(r[0] - q[0] - 120) < 3 && Math.abs(r[1] - q[1] + 40) < 3, `the drag did not carry the map: ${r} from ${q}`);
      assert.deepEqual(await scale(), first);
      assert.match(page.url(), /view=/);
    });
  });

  test("labels never cross, and none is on the legend", async () => {
    await on(full, { hash: "#view=48,9,7" }, async (page) => {
      const labels = await page.evaluate(() => window.__packetheat.labels);
      assert.ok(labels.length > 8);
      for (const [i, a] of labels.entries()) for (const b of labels.slice(i + 1)) assert.ok(!(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h), `${a.text} on ${b.text}`);
      const [map, legend] = await page.evaluate(() => ["canvas.map", ".legend"].map((s) => document.querySelector(s).getBoundingClientRect().toJSON()));
      for (const l of labels) assert.ok(l.x + map.x > legend.right || l.x + l.w + map.x < legend.x || l.y + map.y > legend.bottom || l.y + l.h + map.y < legend.y, `${l.text} under the legend`);
    });
  });

  test("works by keyboard alone", async () => {
    await on(full, {}, async (page) => {
      await page.focus("canvas.map");
      const p = await at(page, ashburn);
      await page.keyboard.press("+");
      await new Promise((r) => setTimeout(r, 400));
      await page.keyboard.press("ArrowLeft");
      await settled(page);
      assert.notDeepEqual(await at(page, ashburn), p);
      await page.keyboard.press("Enter");
      await page.waitForSelector(".card");
      await page.keyboard.press("Escape");
      await page.keyboard.press("b");
      await settled(page);
      assert.match(page.url(), /unit=bytes/);
      await page.focus('[role="tab"]');
      await page.keyboard.press("ArrowRight");
      assert.match(await page.$eval('[role="tab"][aria-selected="true"]', (e) => e.textContent), /Country/);
    });
  });

  test("fits a phone", async () => {
    await on(full, { width: 360, height: 740, touch: true, scale: 2 }, async (page) => {
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
      const small = await page.$$eval("button", (all) => all.filter((b) => b.offsetParent && (b.closest(".row") ?? b).offsetHeight < 43 && !b.classList.contains("plain")).map((b) => b.textContent));
      assert.deepEqual(small, []);
      await page.tap(".sheet-toggle");
      await page.tap('[data-proto="udp"]');
      assert.match(await page.$eval('[data-proto="udp"]', (e) => e.getAttribute("aria-pressed")), /false/);
      const beside = await page.evaluate(() => {
        for (let y = 10; y < innerHeight; y += 10) if (document.elementFromPoint(180, y)?.matches(".scrim")) return y;
        return -1;
      });
      assert.ok(beside > 0, "the sheet of filters leaves nothing of the page to tap on");
      await page.touchscreen.tap(180, beside);
      await page.waitForSelector(".scrim", { hidden: true });
      const box = await (await page.$(".u-over")).boundingBox();
      const finger = await page.touchscreen.touchStart(box.x + 60, box.y + 20);
      for (const x of [80, 120, 160]) await finger.move(box.x + x, box.y + 21);
      await finger.end();
      await settled(page);
      assert.match(page.url(), /t=2026/);
    });
  });

  test("a page that is rewritten reads itself again and keeps its state", async () => {
    const file = sample("again.html", "-rows", "300", "-refresh", "5");
    await on(file, { hash: "#unit=bytes" }, async (page) => {
      await page.evaluate(() => (window.marked = true));
      await page.waitForFunction(() => !window.marked && window.__packetheat?.ready);
      assert.match(page.url(), /#unit=bytes$/);
      assert.match(await page.$eval(".legend", (e) => e.textContent), /^bytes/);
    });
  });

  test("its policy lets it ask nobody", async () => {
    const { page } = await openFile(started.browser, full);
    const refused = await page.evaluate(async (patience) => {
      const out = [];
      addEventListener("securitypolicyviolation", (e) => out.push(e.effectiveDirective));
      await fetch("http://127.0.0.1:9/").catch(() => {});
      new Image().src = "http://127.0.0.1:9/x.png";
      for (const end = Date.now() + patience; out.length < 2 && Date.now() < end; ) await new Promise((r) => setTimeout(r, 50));
      return out;
    }, patience);
    assert.deepEqual(refused.sort(), ["connect-src", "img-src"]);
    await page.close();
  });
});
