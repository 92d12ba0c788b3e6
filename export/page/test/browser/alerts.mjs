// Alerts in the dashboard: the demo's sensor is told to ring for addresses of clouds,
// of which its traffic has many.
import assert from "node:assert/strict";
import { findings } from "./findings.mjs";
import { demo, patience, sample, scenarios, settled } from "./harness.mjs";

scenarios("alerts", { browsers: ["chromium", "firefox"] }, ({ test, before, after, visit }) => {
  let sensor;
  before(async () => (sensor = await demo({ env: { PACKETHEAT_SENSOR_TICK: "2s", PACKETHEAT_ALERTS_LABELS: "cloud" } })));
  after(() => sensor?.stop());

  const told = async () => (await (await fetch(sensor.url + "api/v1/alerts")).json()).alerts;
  /** The first alert of an address; the old database may have rung before it. */
  async function labelled() {
    for (const end = Date.now() + patience; Date.now() < end; ) {
      const found = (await told()).find((a) => a.kind === "label");
      if (found) return found;
      await new Promise((r) => setTimeout(r, 300));
    }
    throw new Error("no address of a cloud rang");
  }
  const rung = (page) => page.waitForSelector("[data-alerts] b");
  const address = (a) => a.ip.replace(/\/(32|128)$/, "");

  test("the bell counts them, the sheet lists them, a line leads to time and traffic", async () => {
    await visit(sensor.url, { hash: "#theme=dark&tz=utc&unit=bytes&proto=udp" }, async (page) => {
      await rung(page);
      assert.match(await page.$eval("[data-alerts]", (e) => e.getAttribute("aria-label")), /^Alerts: [\d,]+ new/);
      await page.keyboard.press("e");
      await page.waitForSelector("dialog.alerts li.new");
      const listed = await labelled();
      await page.waitForFunction((text) => document.querySelector("dialog.alerts").innerText.includes(text), {}, listed.text);
      assert.deepEqual(await findings(page), []);
      const link = await page.evaluateHandle((text) => [...document.querySelectorAll("dialog.alerts a")].find((a) => a.innerText.includes(text)), listed.text);
      await link.click();
      await page.waitForFunction((term) => document.querySelector("#filter").value === term, {}, `ip:${address(listed)}`);
      assert.equal(await page.$("dialog"), null);
      await page.waitForFunction(() => window.__packetheat.counts.packets > 0);
      const hash = new URLSearchParams(new URL(page.url()).hash.slice(1)), [from, to] = hash.get("window").split("/").map(Date.parse), at = Date.parse(listed.time);
      assert.ok(from < at && at < to, `${listed.time} is not in ${hash.get("window")}`);
      assert.equal(hash.get("unit"), "bytes"); // how it looks stays
      assert.equal(hash.get("proto"), null); // what would hide it does not
    });
  });

  test("what has been looked at is not new when the page is loaded again", async () => {
    await visit(sensor.url, { hash: "#theme=light" }, async (page) => {
      const count = () => page.$eval("[data-alerts] b", (e) => parseInt(e.textContent)).catch(() => 0);
      await page.waitForSelector("[data-alerts]");
      await page.click("[data-alerts]");
      await page.waitForSelector("dialog.alerts li");
      const old = (await page.$$("dialog.alerts li")).length;
      await page.keyboard.press("Escape");
      await settled(page);
      assert.ok((await count()) <= (await told()).length - old, "some are still new");
      await page.reload();
      await page.waitForSelector("[data-alerts]");
      assert.ok((await count()) <= (await told()).length - old, "some are new again");
    });
  });

  test("a saved file has no bell", async () => {
    await visit(sample("-rows", "500"), {}, async (page) => {
      assert.equal(await page.$("[data-alerts]"), null);
      await page.keyboard.press("e");
      await settled(page);
      assert.equal(await page.$("dialog"), null);
    });
  });
});
