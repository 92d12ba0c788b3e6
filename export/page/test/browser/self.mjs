// The harness notices what the scenarios rely on it to notice.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { scenarios } from "./harness.mjs";

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

  for (const [name, what] of Object.entries({ complaint: /a complaint/, warning: /a warning/, exception: /an exception/, stranger: /127\.0\.0\.1:4321\/stranger/, violation: /img-src/ })) {
    test(`notices: ${name}`, () => assert.rejects(visit(url + name, {}, () => {}), what));
  }
});
