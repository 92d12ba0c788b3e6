// Who is not signed in any more is led to the page of signing in, and back to what was
// seen: after a token was changed, and after signing out in another tab.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { history, scenarios, scratch, serve, settled } from "./harness.mjs";

const [before, after] = ["the-token-of-yesterday", "the-token-of-today-0123"];
const counts = (page) => page.evaluate(() => window.__packetheat.counts);
const hash = (page) => decodeURIComponent(new URL(page.url()).hash);
const at = (page, path) => page.waitForFunction((p) => location.pathname === p && document.readyState === "complete", {}, path);
const ready = (page) => page.waitForFunction(() => window.__packetheat?.ready);

scenarios("signing in", { browsers: ["chromium", "firefox"] }, ({ test, before: first, after: last, visit }) => {
  let server, cwd;
  const configure = (token) => writeFileSync(join(cwd, "config.yaml"), JSON.stringify({ dashboard: { token } }));
  first(async () => {
    const data = await history([{ minutes: 20, stretch: 2 }]);
    cwd = scratch();
    configure(before);
    server = await serve(data, { cwd });
  });
  last(() => server?.stop());

  async function enter(page, token) {
    await page.waitForSelector("#token");
    await page.type("#token", token);
    await page.keyboard.press("Enter");
    await ready(page);
    await settled(page);
  }

  test("a token that was changed, a cookie that is gone: the way back is kept", async () => {
    const state = "#last=all&filter=proto:udp&tab=country&theme=light";
    await visit(`${server.url}?token=${before}`, { hash: state }, async (page, seen) => {
      assert.equal(page.url(), server.url + state, "the token stays in the address, or the state is lost");
      const all = await counts(page);
      assert.ok(all.packets > 100, `${all.packets} packets`);

      configure(after);
      server.child.kill("SIGHUP");
      await at(page, "/login"); // without a click: the live stream has ended
      assert.equal(hash(page), state);
      await page.type("#token", before);
      await page.keyboard.press("Enter");
      await page.waitForSelector(".wrong");
      assert.equal(hash(page), state, "a wrong token loses the state");
      await enter(page, after);
      assert.equal(page.url(), server.url + state);
      assert.deepEqual(await counts(page), all);

      // Signed out in another tab: the next question finds out, and is not lost.
      await page.evaluate(() => fetch("logout", { method: "POST" }).then(() => {}));
      const asked = state.replace("udp", "tcp");
      await page.evaluate((h) => void (location.hash = h), asked);
      await at(page, "/login");
      assert.equal(hash(page), asked);
      await enter(page, after);
      assert.equal(page.url(), server.url + asked);
      assert.ok((await counts(page)).packets > 100);

      // Signed in in another tab meanwhile: there is nothing to type.
      await page.goto(server.url + "login" + state);
      await at(page, "/login");
      assert.ok((await page.$eval("a", (a) => decodeURIComponent(a.href))).endsWith(state), "the way back has no state");
      await page.click("a");
      await ready(page);
      assert.equal(page.url(), server.url + state);
      seen.errors.length = 0; // browsers tell of each 401
    });
  });
});
