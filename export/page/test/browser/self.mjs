// The harness notices what the scenarios rely on it to notice.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { pixels, scenarios } from "./harness.mjs";

const ready = `window.__packetheat = { ready: true };`;
const pages = {
  quiet: ready,
  complaint: `console.error("a complaint"); ${ready}`,
  warning: `console.warn("a warning"); ${ready}`,
  exception: `setTimeout(() => { throw new Error("an exception"); }); ${ready}`,
  stranger: `fetch("http://127.0.0.1:4321/stranger").catch(() => {}); ${ready}`,
  violation: `new Image().src = "/forbidden.png"; ${ready}`,
};

scenarios("the harness", { browsers: ["chromium", "firefox"] }, ({ test, before, after, visit }) => {
  let server, url;
  before(async () => {
    server = createServer((q, r) => {
      const script = pages[q.url.slice(1)];
      if (script === undefined) return void r.writeHead(204).end();
      r.writeHead(200, { "Content-Type": "text/html", ...(q.url === "/violation" && { "Content-Security-Policy": "img-src 'none'" }) });
      r.end(`<!doctype html><link rel="icon" href="data:,"><title>${q.url}</title><script>${script}</script>`);
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    url = `http://127.0.0.1:${server.address().port}/`;
  });
  after(() => (server.closeAllConnections(), server.close()));

  test("lets a quiet page be", () => visit(url + "quiet", {}, () => {}));

  test("sees what is on the screen", () =>
    visit(url + "quiet", { width: 300, height: 200 }, async (page) => {
      await page.evaluate(() => (document.body.style.cssText = "margin:0;height:200px;background:linear-gradient(90deg,rgb(200,100,50) 50%,rgb(1,2,3) 0)"));
      const { width, data } = await pixels(page), at = (x, y) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4)];
      assert.deepEqual([width, at(2, 199), at(149, 0), at(151, 100)], [300, [200, 100, 50, 255], [200, 100, 50, 255], [1, 2, 3, 255]]);
    }));

  for (const [name, what] of Object.entries({ complaint: /a complaint/, warning: /a warning/, exception: /an exception/, stranger: /127\.0\.0\.1:4321\/stranger/, violation: /img-src/ })) {
    test(`notices: ${name}`, () => assert.rejects(visit(url + name, {}, () => {}), what));
  }
});
