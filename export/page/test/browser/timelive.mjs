// Time on the dashboard: the strip of all there is, held windows, and what changed, as the command line says it.
import assert from "node:assert/strict";
import { history, packetheat, proxy, scenarios, serve, settled } from "./harness.mjs";

const counts = (page) => page.evaluate(() => window.__packetheat.counts);
const text = (page, selector) => page.$eval(selector, (e) => e.textContent);
const hash = (page) => decodeURIComponent(new URL(page.url()).hash);
/** Waits for the page to say something somewhere. */
const says = (page, selector, want) => page.waitForFunction((s, w) => new RegExp(w).test(document.querySelector(s)?.textContent ?? ""), {}, selector, want.source);
/** Numbers of the list of changes, exactly: [name, kind, before, now, change]. */
const changes = (page) => page.$$eval(".changes tbody tr", (rows) => rows.map((r) => [r.querySelector(".text").textContent, /country only|no place/.test(r.querySelector(".note")?.textContent) ? "vague" : "located", ...[...r.querySelectorAll("td")].map((c) => Number(c.title.replaceAll(",", "").replace("\u2212", "-")))]));

scenarios("time, live", {}, ({ test, visit, before, after }) => {
  let server, data;
  const iso = (t) => new Date(t).toISOString().replace(/\.\d+/, "");
  const round = Math.floor(Date.now() / 600_000) * 600_000, hour = 3_600_000;
  before(async () => {
    data = await history([{ minutes: 60, from: round - 3 * hour, stretch: 60, seed: 1 }, { minutes: 60, from: round - hour, stretch: 60, seed: 2 }]);
    server = await serve(data);
  });
  after(() => server?.stop());

  test("the strip has all there is, and takes the window anywhere", async () => {
    await visit(server.url, { hash: "#tz=utc&last=1h" }, async (page) => {
      await page.waitForSelector(".overview canvas");
      const box = await (await page.$(".overview canvas")).boundingBox();
      await page.mouse.move(box.x + box.width * 0.02, box.y + 8);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.2, box.y + 8, { steps: 3 });
      await page.mouse.up();
      await page.waitForFunction(() => /window=/.test(location.hash));
      await settled(page);
      const [from, to] = /window=([^/]+)\/([^&]+)/.exec(hash(page)).slice(1).map(Date.parse);
      assert.ok(from < round - 2.7 * hour && to < round - 2 * hour, hash(page));
      assert.ok((await counts(page)).packets > 0);
      await page.click(".windows [data-back]");
      await page.waitForFunction(() => !/window=/.test(location.hash));
      await page.click('[data-choice="24h"]');
      await page.waitForFunction(() => /last=24h/.test(location.hash));
      await settled(page);
      assert.equal(await page.$eval('[data-choice="24h"]', (e) => e.ariaPressed), "true");
    });
  });

  test("a window is held while it is played, and let go", async () => {
    await visit(server.url, { hash: "#tz=utc&last=24h&speed=4" }, async (page) => {
      await page.keyboard.press("ArrowRight");
      await page.waitForSelector(".clock");
      await page.waitForFunction(() => /window=/.test(location.hash) && /at=/.test(location.hash));
      await page.click(".player [data-back]");
      await page.waitForFunction(() => !/window=|at=/.test(location.hash));
      assert.equal(await page.$(".clock"), null);
    });
  });

  test("an answer without steps is asked for in finer ones to be played, and they add up", async () => {
    // A window of very many places comes in one piece: here each that does not ask for steps does.
    const whole = (path) => (/^\/api\/v1\/cells\?(?!.*step=)/.test(path) ? `${path}&step=86400` : path), way = await proxy(server.url, { change: whole });
    const window = [iso(round - hour), iso(round - hour / 2)];
    try {
      await visit(way.url, { hash: `#tz=utc&window=${window.join("/")}` }, async (page) => {
        const all = await counts(page);
        assert.ok(all.packets > 1000);
        await page.keyboard.press("Space"); // the clock may say that finer steps are asked for: that is soon over
        await page.waitForFunction(() => /^30 s|per 30 s/.test(document.querySelector(".timeline .unit").textContent));
        await page.keyboard.press("Space");
        await page.keyboard.press("Home");
        assert.ok(way.asked.some((path) => path.includes("step=30")), way.asked.join("\n"));
        let sum = 0, steps = new Set();
        for (let i = 0; i < 60; i++) {
          steps.add(await text(page, ".clock b"));
          sum += (await counts(page)).packets;
          await page.keyboard.press("ArrowRight");
        }
        assert.deepEqual([steps.size, sum], [60, all.packets]);
        await page.keyboard.press("Escape");
        assert.equal((await counts(page)).packets, all.packets);
      });
    } finally {
      await way.close();
    }
  });

  test("what changed is what packetheat top --compare says", async () => {
    const now = [iso(round - hour), iso(round - hour / 2)], then = [iso(round - 3 * hour), iso(round - 2.5 * hour)];
    for (const [tab, by, order] of [["country", "country", "packets"], ["place", "place", "bytes"], ["port", "port", "packets"]]) {
      const { stdout } = await packetheat(["top", by, "--data", data, "--from", now[0], "--to", now[1], "--compare", then.join("/"), "--json", "--sort", order, "-n", "40"]);
      const want = JSON.parse(stdout);
      assert.ok(want.rows.length > 3);
      await visit(server.url, { hash: `#window=${now.join("/")}&compare=${then.join("/")}&tab=${tab}&unit=${order}` }, async (page) => {
        await page.waitForSelector(".changes tbody tr");
        // Traffic that is known to its country only is one row of tops of places, and one for each country on the page.
        const told = want.rows.filter((r) => tab !== "place" || r.key !== ""), rows = (await changes(page)).filter((r) => tab !== "place" || r[1].endsWith("located"));
        assert.deepEqual(rows.slice(0, told.length).map((r) => r.slice(2)), told.map((r) => [r.before[order], r.now[order], r.change[order]]));
      });
    }
  });

  test("a time without the sensor is not compared with as if it were silence", async () => {
    await visit(server.url, { hash: `#window=${iso(round - hour)}/${iso(round)}&compare=last-week` }, async (page) => {
      await says(page, ".changes", /The sensor was off in all of .*nothing to compare with/);
    });
  });
});
