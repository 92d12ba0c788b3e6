// The page's life: live through proxies that cut, honest when empty, shared, printed,
// on any screen. The real program, real packets where there may be namespaces.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { addresses, history, patience, proxy, sample, scenarios, scratch, serve, settled, wire, wired } from "./harness.mjs";

const counts = (page) => page.evaluate(() => window.__packetheat.counts);
const text = (page, selector) => page.$eval(selector, (e) => e.innerText.replaceAll("\u202f", " "));
const until = (page, n) => page.waitForFunction((n) => window.__packetheat.counts.packets === n, {}, n);
const connected = (page, state = "live") => page.waitForFunction((s) => window.__packetheat.connection === s, {}, state);
const hash = (page) => decodeURIComponent(new URL(page.url()).hash);

/** Lets the page save files into a folder, and waits for one. */
async function downloads(page) {
  const folder = scratch(), client = await page.createCDPSession();
  await client.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  return async (ending) => {
    for (const end = Date.now() + patience; Date.now() < end; ) {
      const name = readdirSync(folder).find((f) => f.endsWith(ending));
      if (name && existsSync(join(folder, name))) return join(folder, name);
      await new Promise((r) => setTimeout(r, 50));
    }
    throw new Error(`no file ${ending} was saved; there are ${readdirSync(folder)}`);
  };
}

/** A proxy that does not let streams through, as some do. */
async function deaf(to) {
  const server = createServer((q, r) => {
    if (q.url.includes("/live")) return void r.writeHead(502).end();
    q.pipe(request(to.replace(/\/$/, "") + q.url, { headers: { ...q.headers, host: new URL(to).host } }, (a) => {
      r.writeHead(a.statusCode, a.headers);
      a.pipe(r);
    }));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => (server.closeAllConnections(), new Promise((done) => server.close(done))) };
}

scenarios("live", {}, ({ test, before, after, visit }) => {
  const skip = wired ? false : "namespaces need root";
  let line, sensor, still, quiet;
  before(async () => {
    if (!wired) return;
    [line, still] = [await wire(), await wire()];
    quiet = await still.run({ env: { PACKETHEAT_SENSOR_TICK: "1s" } });
    sensor = await line.run({ env: { PACKETHEAT_SENSOR_TICK: "1s" } });
  });
  after(async () => {
    await line?.close();
    await still?.close();
  });

  test("a cut loses nothing: what was missed is there when it is mended", { skip }, async () => {
    await visit(sensor.url, { hash: "#last=5m" }, async (page, seen) => {
      await connected(page);
      await page.evaluate(() => (window.marked = true));
      await line.send({ from: addresses.Tokyo, count: 30 });
      await until(page, 30);
      sensor.cut();
      await connected(page, "lost");
      assert.match(await text(page, ".pulse"), /connection lost/);
      assert.ok(await page.$(".mapbox.dim"), "the map is not dimmed");
      await line.send({ from: addresses.Paris, count: 40 });
      await line.send({ from: addresses.Tokyo, count: 5 });
      assert.equal((await counts(page)).packets, 30, "what was known is gone");
      sensor.mend();
      await connected(page);
      await until(page, 75);
      await line.send({ from: addresses.Nairobi, count: 7 });
      await until(page, 82);
      const [top] = await page.evaluate(async () => (await (await fetch("api/v1/top?by=country&last=5m")).json()).rows);
      assert.equal(top.packets, 40);
      assert.match(await text(page, ".sentence"), /82 packets/);
      assert.equal(await page.$(".mapbox.dim"), null);
      assert.ok(await page.evaluate(() => window.marked), "the page was loaded again");
      seen.errors.length = 0; // the browser tells of connections that were cut
    });
  });

  test("many ticks, told quickly, add up to what the sensor has", { skip }, async () => {
    await visit(sensor.url, { hash: "#last=5m" }, async (page) => {
      await connected(page);
      const before = (await counts(page)).packets;
      for (const from of [addresses.Delhi, addresses.Sydney, addresses.Paris, addresses.Delhi]) {
        await line.send({ from, count: 11 });
        await new Promise((r) => setTimeout(r, 700)); // so that the ticks differ
      }
      await until(page, before + 44);
      const same = await page.evaluate(async () => {
        const { from, to } = await (await fetch("api/v1/series?last=5m")).json().then((a) => a.window);
        return (await (await fetch(`api/v1/cells?from=${from}&to=${to}`)).json()).total.packets;
      });
      assert.equal((await counts(page)).packets, same);
    });
  });

  test("under a prefix, and where streams do not come through", { skip }, async () => {
    const below = await proxy(sensor.url, { prefix: "/heat/" }), mute = await deaf(sensor.url);
    try {
      await visit(below.url, {}, async (page) => {
        await connected(page);
        assert.ok(below.asked.every((u) => u.startsWith("/heat/")), below.asked.join("\n"));
      });
      await visit(mute.url, {}, async (page, seen) => {
        await connected(page, "asking");
        assert.match(await text(page, ".pulse"), /asked every/);
        assert.equal(await page.$(".mapbox.dim"), null);
        seen.errors.length = 0; // 502 is told on the console
      });
    } finally {
      await below.close();
      await mute.close();
    }
  });

  test("no packets: says so, with the interfaces and their rates", { skip }, async () => {
    await visit(quiet.url, {}, async (page) => {
      await page.waitForFunction(() => /No packets on eth0|Only traffic|none of them/.test(document.querySelector(".empty")?.innerText ?? ""));
      await page.waitForFunction(() => /packets\/s/.test(document.querySelector(".rates")?.innerText ?? ""));
      assert.match(await text(page, ".rates"), /eth0.*packets\/s.*captured/);
      assert.match(await text(page, ".empty"), /packetheat run --interface/);
    });
  });
});

scenarios("empty, shared, printed", {}, ({ test, before, after, visit }) => {
  after(() => server?.stop());
  let server, full;
  before(async () => {
    server = await serve(await history([{ minutes: 30, from: new Date(Date.now() - 2 * 86_400_000), seed: 3 }]));
    full = sample("-rows", "10000", "-places", "600");
  });

  test("the sensor was off then: a button goes to the nearest data", async () => {
    await visit(server.url, {}, async (page) => {
      await page.waitForFunction(() => /The nearest data is/.test(document.querySelector(".empty")?.innerText ?? ""));
      assert.match(await text(page, ".empty"), /^No sensor was on in this window\. The nearest data is .* earlier\./);
      await page.click(".empty button");
      await page.waitForFunction(() => window.__packetheat.counts.packets > 0);
      assert.match(hash(page) || (await settled(page), hash(page)), /window=\d{4}-/);
    });
  });

  test("a filter that matches nothing says which term it was", async () => {
    await visit(server.url, { hash: "#last=all&filter=proto:udp country:AQ" }, async (page) => {
      await page.waitForFunction(() => /without “country:AQ” there are/.test(document.querySelector(".empty")?.innerText ?? ""));
      await page.click(".empty button");
      await page.waitForFunction(() => window.__packetheat.counts.packets > 0);
      assert.equal(await page.$(".empty"), null);
      await settled(page);
      assert.match(hash(page), /filter=proto:udp$/);
    });
  });

  test("a page that the sensor saves opens as it was seen, and carries its evidence", async () => {
    let file;
    await visit(server.url, { hash: "#last=all&unit=bytes&tab=country&filter=proto:tcp&tz=utc&dir=in" }, async (page) => {
      await page.waitForFunction(() => window.__packetheat.counts.packets > 0);
      const saved = await downloads(page);
      await page.keyboard.press("s");
      await page.type(".share input", "Traffic of <b>gw1</b>");
      await page.click('.share a[href*="export.html"]');
      file = await saved(".html");
    });
    await visit(file, {}, async (page) => {
      assert.equal(await text(page, "h1"), "Traffic of <b>gw1</b>");
      assert.match(await text(page, ".legend"), /^bytes/);
      assert.match(await text(page, '[role="tab"][aria-selected="true"]'), /Country/);
      assert.match(await text(page, ".sentence"), /UTC/);
      await page.keyboard.press("i");
      const about = await text(page, ".about");
      for (const word of [/Program\s+packetheat/, /Filter\s+proto:tcp/, /Coverage\s+the sensor was on/, /Dropped\s+no packet/, /Places by\s+\S/, /Again by\s+packetheat export html/]) assert.match(about, word);
      await page.keyboard.press("Escape");
      await page.waitForSelector("dialog", { hidden: true });
      await page.click('[data-choice="packets"]');
      await settled(page);
      assert.match(hash(page), /^#tab=country|dir=in/);
    });
  });

  test("links: one that follows, one that is nailed to the time", async () => {
    await visit(server.url, { hash: "#last=90d&unit=bytes" }, async (page) => {
      await page.waitForFunction(() => window.__packetheat.counts.packets > 0);
      await page.browserContext().overridePermissions(new URL(server.url).origin, ["clipboard-read", "clipboard-write", "clipboard-sanitized-write"]);
      await page.bringToFront();
      await page.keyboard.press("s");
      const copied = async (n) => {
        await page.$$eval(".share p:last-child button", (all, n) => all[n].click(), n);
        await page.waitForFunction((n) => document.querySelectorAll(".share p:last-child button")[n].innerText === "Copied", {}, n);
        return page.evaluate(() => navigator.clipboard.readText());
      };
      assert.equal(await copied(1), server.url + "#last=90d&unit=bytes");
      assert.match(await copied(0), /#last=90d&window=\d{4}-\d\d-\d\dT[\d:]+Z\/\d{4}-\d\d-\d\dT[\d:]+Z&unit=bytes$/);
    });
  });

  test("a saved file gives rows and a picture by itself", async () => {
    await visit(full, { hash: "#proto=tcp" }, async (page) => {
      const saved = await downloads(page), all = await counts(page);
      await page.keyboard.press("s");
      await page.$$eval(".share button", (list) => list.find((b) => b.innerText === "CSV").click());
      const rows = readFileSync(await saved(".csv"), "utf8").trimEnd().split("\n");
      const at = rows[0].split(",").indexOf("packets");
      assert.equal(rows.slice(1).reduce((n, r) => n + Number(r.replace(/"[^"]*"/g, "").split(",")[at]), 0), all.packets);
      assert.match(await text(page, ".share"), /Ask the sensor:\s+packetheat export csv --from/);
      await page.$$eval(".share button", (list) => list.find((b) => b.innerText === "Save PNG").click());
      const png = readFileSync(await saved(".png"));
      assert.equal(png.toString("latin1", 1, 4), "PNG");
      const box = await page.$eval(".mapbox", (e) => [e.clientWidth, e.clientHeight]);
      assert.equal(png.readUInt32BE(16), 2 * box[0]);
      assert.ok(png.readUInt32BE(20) > 2 * box[1] + 100, "no heading, no foot");
    });
  });

  test("paper is one light page with row 1, map, legend, list, the course of time and evidence", async () => {
    await visit(full, { hash: "#theme=dark" }, async (page) => {
      const size = () => page.$eval("canvas.map", (e) => [e.width, e.height]), before = await size();
      const pdf = Buffer.from(await page.pdf({ preferCSSPageSize: true, printBackground: false }));
      assert.equal(pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length, 1);
      await page.emulateMediaType("print");
      await page.waitForSelector(".paper-proof");
      const seen = await page.evaluate(() => ({
        theme: document.documentElement.dataset.theme, map: document.querySelector(".paper-map canvas")?.width ?? 0,
        course: document.querySelector(".paper-course canvas")?.width ?? 0, lines: [...document.querySelectorAll(".list .row")].map((e) => e.getBoundingClientRect().height).filter((h) => h > 14).length, chips: document.querySelector(".chips").offsetParent,
      }));
      assert.equal(seen.theme, "light");
      assert.ok(seen.map > 1500);
      assert.ok(seen.course > 1000, `the course of time is ${seen.course} pixels wide`);
      assert.equal(seen.lines, 17);
      assert.equal(seen.chips, null);
      assert.match(await text(page, ".paper-proof"), /Program\s+packetheat/);
      await page.emulateMediaType("screen");
      await page.waitForFunction(() => document.documentElement.dataset.theme === "dark" && !document.querySelector(".paper-map canvas"));
      await settled(page);
      assert.deepEqual(await size(), before);
    });
  });

  for (const [name, options] of [["a desk", {}], ["a phone", { width: 360, height: 740, touch: true, scale: 2 }], ["a very wide screen", { width: 3840, height: 2160 }]]) {
    test(`on ${name} no text is below 12 px, nothing is cut at the side`, async () => {
      await visit(full, { ...options, hash: "#place=39.0438,-77.4874|US|Virginia|Ashburn" }, async (page) => {
        const small = () => page.evaluate(() => [...document.querySelectorAll("body *")].filter((e) => e.offsetParent && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && parseFloat(getComputedStyle(e).fontSize) < 12).map((e) => e.className + " " + e.textContent.slice(0, 30)));
        assert.deepEqual(await small(), []);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
        await page.keyboard.press("Escape");
        await page.keyboard.press("i");
        await page.waitForSelector("dialog");
        assert.deepEqual(await small(), []);
      });
    });
  }

  test("a phone's legend and buttons leave the map free", async () => {
    for (const hash of ["", "#map=directions"]) {
      await visit(full, { width: 360, height: 740, touch: true, scale: 2, hash }, async (page) => {
        const box = (selector) => page.$eval(selector, (e) => e.getBoundingClientRect().toJSON()), map = await box("canvas.map");
        assert.ok(map.height > 130, `the map is ${map.height} pixels high`);
        for (const over of [".legend", ".zoom"]) {
          const { top, bottom } = await box(over);
          assert.ok(top >= map.bottom - 1 && bottom <= (await box(".side")).top + 2, `${over} goes from ${top} to ${bottom}, the map to ${map.bottom}`);
        }
      });
    }
  });

  test("a phone's targets are large enough for a finger", async () => {
    await visit(full, { width: 360, height: 740, touch: true, scale: 2 }, async (page) => {
      const small = () => page.evaluate(() => [...document.querySelectorAll("button, a, input, select, [role=tab]")].filter((e) => e.offsetParent && !e.closest(".footer, .unseen, .row") && (e.offsetHeight < 43.5 || e.offsetWidth < 43.5)).map((e) => `${e.className} ${e.textContent.slice(0, 20)} ${e.offsetWidth}×${e.offsetHeight}`));
      assert.deepEqual(await small(), []);
      await page.tap(".sheet-toggle");
      assert.deepEqual(await small(), []);
      await page.tap(".sheet-toggle");
      const before = await page.$eval(".side", (e) => e.clientHeight), map = await page.$eval(".mapbox", (e) => e.clientHeight);
      assert.ok(map > 0.45 * (map + before) && map < 0.65 * (map + before), `map ${map}, list ${before}`);
      await page.tap(".sheet-grip");
      await settled(page);
      assert.ok((await page.$eval(".side", (e) => e.clientHeight)) > 1.5 * before);
    });
  });

  test("the page without data is small", () => {
    const size = gzipSync(readFileSync(new URL("../../dist/index.html", import.meta.url)), { level: 9 }).length;
    assert.ok(size <= 200_000, `${size} bytes gzipped`);
  });

  test("a hash made by hand, or by another version, breaks nothing", async () => {
    for (const wrong of ["#view=NaN,0,1&theme=pink&filter=%E0%A4%A&t=2026/2025&place=nowhere&tab=%00", "#%", "#filter=" + "x".repeat(9000), "#view=90,540,1e300", "#at=9999-12-31T23:59:59Z&speed=7&compare=x/y"]) {
      await visit(full, { hash: wrong }, async (page) => assert.ok((await counts(page)).rows > 0, wrong));
    }
  });
});
