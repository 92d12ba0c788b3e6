// Asking: the filter box, the list, cards and chips; in a saved file, and of the real
// program.
import assert from "node:assert/strict";
import { history, packetheat, sample, scenarios, serve, settled } from "./harness.mjs";

const counts = (page) => page.evaluate(() => window.__packetheat.counts);
const text = (page, selector) => page.$eval(selector, (e) => e.innerText.replaceAll("\u202f", " "));
const texts = (page, selector) => page.$$eval(selector, (l) => l.map((e) => e.innerText));
const value = (page) => page.$eval("#filter", (e) => e.value);

/** Empties the box and types. */
async function type(page, what) {
  await page.focus("#filter");
  await page.$eval("#filter", (e) => ((e.value = ""), e.dispatchEvent(new Event("input", { bubbles: true }))));
  await page.type("#filter", what);
}

/** What a button puts into the clipboard. */
async function copied(page, act) {
  await page.evaluate(() => {
    window.__copied = undefined;
    Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText: async (t) => void (window.__copied = t) } });
  });
  await page.click(`[data-act="${act}"]`);
  await page.waitForFunction(() => window.__copied !== undefined);
  return page.evaluate(() => window.__copied);
}

scenarios("asking a saved file", { browsers: ["chromium", "firefox"] }, ({ test, before, visit }) => {
  let file;
  before(() => (file = sample("-rows", "20000", "-places", "2000")));

  test("the box completes by keyboard, from what the data has", async () => {
    await visit(file, {}, async (page) => {
      await type(page, "germ");
      await page.waitForSelector('[role="option"]');
      assert.equal(await page.$eval("#filter", (e) => e.getAttribute("aria-expanded")), "true");
      await page.keyboard.press("ArrowDown");
      const active = await page.$eval("#filter", (e) => document.getElementById(e.getAttribute("aria-activedescendant"))?.innerText);
      assert.match(active, /Germany/);
      await page.keyboard.press("Enter");
      await settled(page);
      assert.equal(await value(page), "country:DE");
      assert.equal((await counts(page)).countries, 1);
      await page.keyboard.type(" po");
      await page.waitForSelector('[role="option"]');
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      assert.equal(await value(page), "country:DE port:");
      await page.keyboard.type("http");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await settled(page);
      assert.match(await value(page), /^country:DE port:(80|443)$/);
      await page.keyboard.type("x");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Escape");
      assert.match(await value(page), /^country:DE port:(80|443)$/, "Escape brings back what holds");
    });
  });

  test("a mistake is shown where it is, mended by a click, and the map keeps what it had", async () => {
    await visit(file, {}, async (page) => {
      await type(page, "country:JP");
      await page.keyboard.press("Enter");
      await settled(page);
      const before = await counts(page);
      await type(page, "country:JP -prto:tcp");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".mistake mark");
      assert.equal(await text(page, ".mistake mark"), "prto");
      assert.match(await text(page, ".mistake"), /is unknown/);
      assert.equal(await page.$eval("#filter", (e) => e.getAttribute("aria-invalid")), "true");
      assert.deepEqual(await counts(page), before);
      await page.click(".mistake button");
      await settled(page);
      assert.equal(await value(page), "country:JP -proto:tcp");
      assert.equal(await page.$(".mistake"), null);
      assert.ok((await counts(page)).packets < before.packets);
      await type(page, "port:https");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".mistake button");
      await page.click(".mistake button");
      await settled(page);
      assert.equal(await value(page), "port:443");
    });
  });

  test("says what only the sensor knows", async () => {
    await visit(file, {}, async (page) => {
      const all = await counts(page);
      await page.click('[data-opened="them"]');
      await page.waitForSelector(".mistake mark");
      assert.match(await text(page, ".mistake"), /ask the sensor/);
      assert.deepEqual(await counts(page), all);
    });
  });

  test("the list sorts, and has every place though few rows are drawn", async () => {
    await visit(file, {}, async (page) => {
      const { active } = await counts(page);
      assert.equal(Number(await page.$eval('[role="table"]', (e) => e.getAttribute("aria-rowcount"))), active + 1);
      assert.ok((await page.$$('[role="row"]')).length < 60);
      await page.click('[data-sort="name"]');
      const names = (await texts(page, ".body .row .text")).slice(0, 8);
      assert.deepEqual(names, [...names].sort((a, b) => a.localeCompare(b, "en", { numeric: true, sensitivity: "base" })));
      assert.equal(await page.$eval('[aria-sort="ascending"]', (e) => e.innerText.trim().split(" ")[0]), "name");
      await page.waitForFunction(() => /sort=name/.test(location.hash)); // it is written a moment later
      await page.click('[data-sort="bytes"]');
      const bytes = await page.$$eval(".body .row", (l) => l.slice(0, 10).map((r) => Number(r.querySelectorAll('[role="cell"]')[1].textContent.replaceAll(",", ""))));
      assert.deepEqual(bytes, [...bytes].sort((a, b) => b - a));
      await page.evaluate(() => document.querySelector("#list").scrollTo(0, 1e9));
      await settled(page);
      await page.evaluate(() => document.querySelector("#list").scrollTo(0, 1e9));
      await settled(page);
      assert.match(await text(page, ".list .count"), new RegExp(`^${active.toLocaleString("en")} places`));
    });
  });

  test("a list that is sorted anew takes the focus with its line", async () => {
    await visit(file, {}, async (page) => {
      const line = () => page.evaluate(() => ({ text: document.activeElement.textContent, id: document.activeElement.id, tab: document.activeElement.tabIndex }));
      await page.evaluate(() => [...document.querySelectorAll(".body .row button")].find((b) => /^(Am|As)/.test(b.textContent)).focus()); // by name it is among the first, too
      const before = await line();
      await page.evaluate(() => (location.hash = "#sort=name"));
      await page.waitForFunction((id) => document.activeElement.id.startsWith("row-") && document.activeElement.id !== id, {}, before.id);
      assert.deepEqual({ ...(await line()), id: "" }, { text: before.text, id: "", tab: 0 });
      await page.keyboard.press("ArrowUp");
      assert.notEqual((await line()).text, before.text);
    });
  });

  test("rows and map mark each other", async () => {
    await visit(file, {}, async (page) => {
      await (await page.$(".body .row:nth-child(3)")).hover();
      await page.waitForSelector(".ring.near");
      const p = await page.evaluate(() => window.__packetheat.project(-77.4874, 39.0438));
      await page.mouse.move(...p);
      await page.waitForSelector(".row.near");
      assert.match(await text(page, ".row.near"), /Ashburn|Virginia/);
    });
  });

  test("works by keyboard from the list to a card and back to the same row", async () => {
    await visit(file, {}, async (page) => {
      await page.focus("#row-0");
      for (let i = 0; i < 30; i++) await page.keyboard.press("ArrowDown");
      const name = await page.evaluate(() => document.activeElement.querySelector(".text").innerText);
      assert.equal(await page.evaluate(() => document.activeElement.id), "row-30");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".card");
      assert.equal(await text(page, ".card h2"), name);
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => document.activeElement?.id === "row-30");
      await page.keyboard.press("Home");
      assert.equal(await page.evaluate(() => document.activeElement.id), "row-0");
    });
  });

  test("a card tells of a place, filters to it, leaves it out, and hands its rows on", async () => {
    await visit(file, { hash: "#tz=utc" }, async (page) => {
      const all = await counts(page);
      await page.click("#row-0");
      await page.waitForSelector(".card .spark");
      const card = await text(page, ".card");
      for (const part of ["Ashburn", "Virginia, United States", "First seen", "Last seen", "Known to its city; the true place is likely within 20 km", "Networks", "Addresses", "Peers on our side", "443 https"]) assert.ok(card.includes(part), `no ${part} in\n${card}`);
      const rows = (await copied(page, "csv")).trim().split("\n").map((l) => l.split(","));
      assert.equal(rows[0].join(), "time,latitude,longitude,direction,protocol,ip,peer,port,packets,bytes,opens,country,city,asn,as_org,sensor,interval,precision,accuracy_km,flags");
      const sum = rows.slice(1).reduce((n, r) => n + Number(r[8]), 0);
      assert.equal(await page.$eval(".numbers dd", (e) => Number(e.title.replaceAll(",", ""))), sum);
      assert.match(await copied(page, "tcpdump"), /^host [\d.]+( or host [\d.]+)+$/);
      await page.click('[data-act="only"]');
      await settled(page);
      assert.equal((await counts(page)).packets, sum);
      await page.click('[data-act="only"]');
      await settled(page);
      await page.click('[data-act="exclude"]');
      await settled(page);
      assert.equal((await counts(page)).packets, all.packets - sum);
      assert.match(decodeURIComponent(page.url()), /filter=-place:"39\.0438,-77\.4874"/);
    });
  });

  test("cards of a country, a network, an address, a peer and a port", async () => {
    await visit(file, {}, async (page) => {
      for (const [tab, parts] of Object.entries({ country: ["Places", "Networks", "packets"], network: ["AS", "Addresses", "Places", "ask the sensor"], address: ["Places", "Network", "First seen"], peer: ["on our side", "Places"], port: ["Places"] })) {
        await page.click(`#tab-${tab}`);
        await page.click("#row-0");
        await page.waitForSelector(".card .numbers");
        const card = await text(page, ".card");
        for (const part of parts) assert.ok(card.includes(part), `no ${part} in the card of a ${tab}:\n${card}`);
        await page.click('[data-act="only"]');
        await settled(page);
        assert.equal(await page.$(".mistake[role=alert]"), null);
        assert.ok((await counts(page)).packets > 0);
        await page.click('[data-act="only"]');
        await page.keyboard.press("Escape");
        await page.waitForSelector(`#tab-${tab}`);
      }
    });
  });

  test("a link opens a card again, and the list is where it was", async () => {
    await visit(file, { hash: "#tab=country&place=country:DE" }, async (page) => {
      assert.equal(await text(page, ".card h2"), "Germany");
    });
  });
});

scenarios("asking the sensor", {}, ({ test, before, after, visit }) => {
  let data, server;
  before(async () => {
    data = await history([{ minutes: 30 }]);
    server = await serve(data);
  });
  after(() => server?.stop());

  const told = async (...flags) => JSON.parse((await packetheat(["top", ...flags, "--json", "--data", data])).stdout);

  test("a card has the sensor's numbers, and its rows are the CSV's", async () => {
    const [first] = (await told("country")).rows;
    await visit(server.url, { hash: `#last=all&tab=country&place=country:${first.key}` }, async (page) => {
      await page.waitForSelector(".card .numbers");
      assert.equal(await page.$eval(".numbers dd", (e) => Number(e.title.replaceAll(",", ""))), first.packets);
      const card = await text(page, ".card");
      for (const part of ["Networks", "Addresses", "Ports", "First seen"]) assert.ok(card.includes(part), `no ${part} in\n${card}`);
      assert.ok(await page.$(".spark"));
      const lines = (await copied(page, "csv")).trim().split("\n");
      const csv = (await packetheat(["export", "csv", "-o", "-", "--data", data, "--filter", `country:${first.key}`])).stdout.trim().split("\n");
      assert.deepEqual(lines, csv);
      assert.match(await copied(page, "tcpdump"), /^(host|net) /);
    });
  });

  test("who opened, and what was not answered, is as the terminal says", async () => {
    await visit(server.url, { hash: "#last=all" }, async (page) => {
      for (const who of ["them", "us", "unanswered"]) {
        const want = (await told("country", "--filter", `opened:${who}`)).total.packets;
        await page.click(`[data-opened="${who}"]`);
        await page.waitForFunction((n) => window.__packetheat.counts.packets === n, {}, want);
        assert.equal(await value(page), `opened:${who}`);
      }
    });
  });

  test("the lists of addresses and ports are the sensor's, every line a card", async () => {
    for (const [tab, by] of [["address", "ip"], ["network", "asn"], ["port", "port"], ["peer", "peer"]]) {
      const { rows, count } = await told(by, "-n", "3");
      await visit(server.url, { hash: `#last=all&tab=${tab}` }, async (page) => {
        await page.waitForSelector("#row-0");
        assert.match(await text(page, ".list .count"), new RegExp(`(^| )${count.toLocaleString("en")} `));
        const first = await page.$eval('[aria-rowindex="2"] [role="cell"]', (e) => Number(e.textContent.replaceAll(",", "")));
        assert.equal(first, rows[0].packets);
        const [most] = (await (await fetch(`${server.url}api/v1/top?by=${by}&n=1&sort=bytes_out`)).json()).rows;
        await page.click('[data-sort="out"]');
        await page.evaluate(() => document.querySelector('[data-choice="bytes"]').click());
        await page.waitForFunction((n) => document.querySelectorAll('[aria-rowindex="2"] [role="cell"]')[3]?.textContent.replaceAll(",", "") === String(n), {}, most.out.bytes);
        const row = await page.waitForSelector(".row:has(button:enabled)"); // what has no network has no card
        const packets = await row.$eval('[role="cell"]', (e) => e.textContent);
        await (await row.$("button")).click();
        await page.waitForSelector(".card .numbers");
        assert.equal(await page.$eval(".numbers dd", (e) => e.title), packets);
      });
    }
  });

  test("the box proposes what the sensor has seen", async () => {
    const [{ key, as_org: name }] = (await told("asn", "-n", "1")).rows;
    await visit(server.url, { hash: "#last=all" }, async (page) => {
      await type(page, "asn:" + (name || key).slice(0, 4).toLowerCase());
      await page.keyboard.type("x");
      await page.waitForFunction(() => performance.getEntriesByType("resource").some((e) => e.name.includes("top?by=asn") && e.responseEnd > 0));
      await page.keyboard.press("Backspace");
      await page.waitForSelector('[role="option"]');
      assert.ok((await texts(page, '[role="option"]')).some((t) => t.includes(name || key)));
    });
  });
});
