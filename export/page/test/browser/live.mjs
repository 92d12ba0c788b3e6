// The live life against a server that answers like the dashboard: the page and
// its policy from Go, columns that Go encoded, a stream of events.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium, launch, openFile, patience, settled } from "./browser.mjs";

const folder = mkdtempSync(join(tmpdir(), "packetheat-live-"));

/** The one frame of an answer that came at once: see export/dashboard/gradual.go. */
function framed(bytes) {
  const head = Buffer.alloc(7);
  head.write("w");
  head.writeUInt16BE(1000, 1);
  head.writeUInt32BE(bytes.length, 3);
  return Buffer.concat([head, bytes]);
}

function sample(name, ...flags) {
  const file = join(folder, name);
  const said = execFileSync("go", ["run", "./testdata/sample", "-o", file, ...flags], { cwd: fileURLToPath(new URL("../..", import.meta.url)) });
  return { bytes: readFileSync(file), said: said.toString().trim() };
}

/** A dashboard in small. It remembers what it was asked. */
function dashboard() {
  const live = sample("live.html", "-live"), window = sample("window", "-columns", "-details", "0");
  const tick = sample("tick", "-columns", "-details", "0", "-rows", "200", "-bins", "1", "-start", "2026-11-17T14:30:00Z");
  const tail = sample("tail", "-columns", "-details", "0", "-rows", "60", "-bins", "6", "-start", "2026-11-17T14:29:00Z");
  const none = sample("none", "-columns", "-empty");
  const asked = [], streams = new Set();
  let down = false;
  const server = createServer((q, r) => {
    const url = new URL(q.url, "http://x"), p = url.searchParams;
    if (url.pathname !== "/") asked.push(url.pathname.slice(8) + url.search);
    if (down) return void r.destroy();
    if (url.pathname === "/") return void r.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": live.said }).end(live.bytes);
    if (url.pathname === "/api/v1/cells") {
      const gradually = q.headers.accept === "application/vnd.packetheat.columns-gradual";
      if (!gradually) assert.equal(q.headers.accept, "application/vnd.packetheat.columns");
      if (p.get("filter")?.startsWith("city:bad")) return void r.writeHead(400, { "Content-Type": "application/problem+json" }).end(JSON.stringify({ title: "filter", detail: "“bad” is not a city" }));
      const body = p.get("filter") === "country:AQ" ? none : p.get("from")?.includes("T14:30:00") ? tick : p.has("from") ? tail : window;
      return void r.writeHead(200, { "Content-Type": q.headers.accept }).end(gradually ? framed(body.bytes) : body.bytes);
    }
    if (url.pathname === "/api/v1/top") {
      const part = { packets: 600, bytes: 60_000 };
      return void json(r, { rows: [{ key: p.get("by") === "asn" ? "3320" : p.get("by") === "port" ? "443" : "192.0.2.7", label: p.get("by") === "asn" ? "Deutsche Telekom AG" : "", country: "DE", labels: ["my devices"], packets: 1000, bytes: 99_000, opens: 1, in: part, out: { packets: 400, bytes: 39_000 } }] });
    }
    if (url.pathname === "/api/v1/series") return void json(r, { window: { from: "2026-11-17T14:00:00Z", to: "2026-11-17T14:30:00Z" }, coverage: { packets: 1, bytes: 1, two_public: 0 }, step: 10, bins: [] });
    if (url.pathname === "/api/v1/status") return void json(r, { sensor: "gw1", version: "0.1.0", ready: true, state: "capturing", labels: ["anycast", "cloud"] });
    if (url.pathname === "/api/v1/alerts") return void json(r, { alerts: [], webhook_pending: 0 });
    if (url.pathname === "/api/v1/live") {
      r.writeHead(200, { "Content-Type": "text/event-stream" }).write("event: status\ndata: {\"state\":\"capturing\"}\n\n");
      streams.add(r);
      q.on("close", () => streams.delete(r));
      return;
    }
    r.writeHead(404).end();
  });
  const json = (r, v) => r.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(v));
  return {
    asked, streams,
    listen: () => new Promise((done) => server.listen(0, "127.0.0.1", () => done(`http://127.0.0.1:${server.address().port}/`))),
    emit: (event, data) => streams.forEach((s) => s.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)),
    setDown(v) {
      down = v;
      if (v) streams.forEach((s) => s.destroy());
    },
    close: () => new Promise((done) => (server.closeAllConnections(), server.close(done))),
  };
}

describe("the live page", { skip: chromium ? false : "no chromium" }, () => {
  let started, server, url;
  before(async () => {
    server = dashboard();
    url = await server.listen();
    started = await launch();
  });
  after(async () => {
    await started?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (hash = "") => openFile(started.browser, "", { url, hash, offline: false });
  const counts = (page) => page.evaluate(() => window.__packetheat.counts);
  const tick = { sensor: "gw1", tick: "2026-11-17T14:30:00Z", interval: 10, seq: 7, packets: 1, bytes: 1, points: 1 };

  test("draws the window, then adds ticks without a reload", async () => {
    const { page, seen } = await open();
    await page.waitForFunction(() => window.__packetheat.connection === "live");
    await settled(page); // what was committed between the answer and the stream is asked for
    const first = await counts(page);
    assert.ok(first.packets > 0);
    assert.ok(server.asked.includes("cells?from=2026-11-17T14%3A29%3A00.000Z&to=2026-11-17T14%3A31%3A00.000Z"), server.asked.join("\n"));
    assert.ok(server.asked.includes("cells?last=1h"));
    await page.evaluate(() => (window.marked = true));
    server.emit("tick", tick);
    await page.waitForFunction((n) => window.__packetheat.counts.rows > n, {}, first.rows);
    const second = await counts(page);
    assert.equal(second.rows, first.rows + 200);
    assert.ok(server.asked.includes("cells?from=2026-11-17T14%3A30%3A00.000Z&to=2026-11-17T14%3A30%3A10.000Z"));
    assert.ok(await page.evaluate(() => window.marked), "the page was loaded again");
    assert.match(await page.$eval(".sentence", (e) => e.textContent), /14:30:10/);
    assert.match(await page.$eval(".pulse", (e) => e.textContent), /live/);
    assert.deepEqual(seen.errors, []);
    assert.deepEqual(seen.requests.filter((r) => !r.startsWith(url)), []);
    await page.close();
  });

  test("asks the sensor for what the rows do not tell", async () => {
    const { page, seen } = await open("#tab=network&proto=tcp&place=39.0438,-77.4874|US|Virginia|Ashburn");
    await page.waitForFunction(() => document.querySelector(".card")?.innerText.includes("192.0.2.7"));
    assert.ok(server.asked.some((a) => decodeURIComponent(a).includes("top?by=ip") && decodeURIComponent(a).replaceAll("+", " ").includes("place:39.0438,-77.4874 proto:tcp")), server.asked.join("\n"));
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelector("#list")?.innerText.includes("Deutsche Telekom AG"));
    assert.match(await page.$eval("#list", (e) => e.innerText), /AS3320/);
    assert.deepEqual(seen.errors, []);
    await page.close();
  });

  test("passes the filter on, and shows what is wrong with it", async () => {
    const { page } = await open();
    await page.type("#filter", "country:AQ");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => window.__packetheat.counts.packets === 0);
    await settled(page);
    assert.ok(server.asked.includes("cells?last=1h&filter=country%3AAQ"));
    assert.match(await page.$eval(".empty", (e) => e.textContent), /Nothing matches/);
    await page.$eval("#filter", (e) => (e.value = "city:bad"));
    await page.focus("#filter");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".mistake");
    assert.match(await page.$eval(".mistake", (e) => e.textContent), /is not a city/);
    await page.close();
  });

  test("hides big clouds by asking without them", async () => {
    const { page, seen } = await open("#tab=address");
    await page.waitForSelector("[data-clouds]");
    await page.click("[data-clouds]");
    await settled(page);
    assert.ok(server.asked.includes("cells?last=1h&filter=-label%3Acloud"), server.asked.join("\n"));
    assert.ok(server.asked.some((a) => /^top\?by=ip.*filter=-label%3Acloud/.test(a)), server.asked.join("\n"));
    assert.deepEqual(await page.$$eval(".list .tag", (l) => [...new Set(l.map((e) => e.textContent))]), ["my devices"]);
    assert.deepEqual(seen.errors, []);
    await page.close();
  });

  test("says when the connection is lost, keeps the map, and comes back", async () => {
    const { page } = await open();
    const before = await counts(page);
    await page.waitForFunction(() => window.__packetheat.connection === "live");
    server.setDown(true);
    await page.waitForFunction(() => window.__packetheat.connection === "lost");
    assert.match(await page.$eval(".pulse", (e) => e.textContent), /connection lost/);
    assert.deepEqual(await counts(page), before);
    server.setDown(false);
    const asked = server.asked.length;
    await page.waitForFunction(() => window.__packetheat.connection === "live");
    await settled(page);
    assert.ok(server.asked.slice(asked).includes("cells?last=1h"), "what it missed was not asked for");
    await page.close();
  });

  test("closes its stream with the tab", async () => {
    const { page } = await open();
    await page.waitForFunction(() => window.__packetheat.connection === "live");
    const n = server.streams.size;
    await page.close();
    for (const end = Date.now() + patience; server.streams.size >= n && Date.now() < end; ) await new Promise((r) => setTimeout(r, 50));
    assert.equal(server.streams.size, n - 1);
  });
});
