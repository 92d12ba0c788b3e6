// The main road, in both browsers: what the program says in the terminal is what the
// page shows, live and saved, and a link shows it again.
import assert from "node:assert/strict";
import { join } from "node:path";
import { history, packetheat, row, scenarios, scratch, serve, settled } from "./harness.mjs";

const counts = (page) => page.evaluate(() => window.__packetheat.counts);

/** Waits until a state of the page holds. */
const until = (page, holds, ...args) => page.waitForFunction(holds, {}, ...args);

scenarios("the page", { browsers: ["chromium", "firefox"] }, ({ test, before, after, visit }) => {
  let data, server, saved;
  before(async () => {
    data = await history([{ minutes: 60, from: Date.now() - 150 * 60_000 }, { minutes: 60 }]); // half an hour off between
    server = await serve(data);
    saved = join(scratch(), "saved.html");
    await packetheat(["export", "html", "-o", saved, "--data", data, "--title", "Tuesday"]);
  });
  after(() => server?.stop());

  /** The program's own answer in the terminal. */
  async function told(...flags) {
    return part(JSON.parse((await packetheat(["top", "country", "--json", "--data", data, ...flags])).stdout).total);
  }
  const part = ({ packets, bytes }) => ({ packets, bytes });

  test("shows what the terminal says, to the packet and the byte", async () => {
    const all = await told();
    assert.ok(all.packets > 10_000);
    for (const target of [server.url, saved]) {
      await visit(target, { hash: target === saved ? "" : "#last=all" }, async (page) => {
        assert.deepEqual(part(await counts(page)), all);
        assert.match(await page.$eval(".answer", (e) => e.textContent), /packets/);
      });
    }
  });

  test("filters as the terminal does", async () => {
    const filter = "proto:tcp -country:US,CN dir:in", want = await told("--filter", filter);
    assert.ok(want.packets > 100);
    for (const target of [server.url, saved]) {
      await visit(target, { hash: target === saved ? "" : "#last=all" }, async (page) => {
        await page.focus("#filter");
        await page.type("#filter", filter);
        await page.keyboard.press("Enter");
        await until(page, (n) => window.__packetheat.counts.packets === n, want.packets).catch(() => {});
        assert.deepEqual(part(await counts(page)), want, target === saved ? "in the file" : "in the dashboard");
      });
    }
  });

  test("adds up whatever is switched on", async () => {
    await visit(saved, {}, async (page) => {
      const all = await counts(page);
      const withHash = async (hash) => {
        await page.evaluate((h) => (location.hash = h), hash);
        await settled(page);
        return counts(page);
      };
      let packets = 0, bytes = 0;
      for (const proto of ["tcp", "udp", "icmp", "other"]) {
        for (const dir of ["in", "out"]) {
          const c = await withHash(`#proto=${proto}&dir=${dir}`);
          packets += c.packets;
          bytes += c.bytes;
        }
      }
      assert.deepEqual({ packets, bytes }, part(all));
    });
  });

  test("a row of the list opens its card, Escape goes back", async () => {
    for (const target of [server.url, saved]) {
      await visit(target, { hash: target === saved ? "" : "#last=all" }, async (page) => {
        await page.waitForSelector(row);
        const name = await page.$eval(row, (e) => (e.click(), e.querySelector(".text").textContent));
        await page.waitForSelector(".card .numbers");
        const card = await page.$eval(".card", (e) => e.innerText);
        assert.ok(card.includes(name.split(",")[0]), `“${name}” of the row is not in the card\n${card}`);
        await page.keyboard.press("Escape");
        await page.waitForSelector('[role="tab"]');
      });
    }
  });

  test("a link shows again what was seen", async () => {
    const hash = "#last=all&filter=proto:udp&dir=in&unit=bytes&tab=country&theme=light&tz=utc&view=48,9,5";
    const seen = async (page) => {
      await page.waitForSelector(row);
      return { ...part(await counts(page)), list: await page.$eval("#list", (e) => e.innerText), answer: await page.$eval(".answer", (e) => e.innerText), theme: await page.$eval("html", (e) => e.dataset.theme) };
    };
    let first, link;
    await visit(server.url, { hash }, async (page) => {
      first = await seen(page);
      link = new URL(page.url()).hash;
    });
    await visit(server.url, { hash: link }, async (page) => assert.deepEqual(await seen(page), first));
    assert.equal(first.theme, "light");
  });

  test("the map moves under the pointer, and keeps its scale", async () => {
    await visit(saved, {}, async (page) => {
      const scale = await page.evaluate(() => window.__packetheat.scale), at = () => page.evaluate(() => window.__packetheat.project(8.68, 50.11));
      const p = await at();
      await page.mouse.move(...p);
      await page.mouse.wheel({ deltaY: -900 });
      await settled(page);
      const q = await at();
      assert.ok(Math.hypot(q[0] - p[0], q[1] - p[1]) < 3, "zoom is not about the pointer");
      await page.mouse.down();
      await page.mouse.move(q[0] + 90, q[1] + 30, { steps: 6 });
      await new Promise((r) => setTimeout(r, 200)); // held still: no inertia
      await page.mouse.up();
      await settled(page);
      const r = await at();
      assert.ok(Math.abs(r[0] - q[0] - 90) < 4 && Math.abs(r[1] - q[1] - 30) < 4, `the drag carried ${r.map((v, i) => v - q[i])}`);
      assert.deepEqual(await page.evaluate(() => window.__packetheat.scale), scale);
    });
  });
});
