// What every scenario imports: browsers, the real program, and rules that hold for all.
//
//   import assert from "node:assert/strict";
//   import { demo, history, packetheat, sample, scenarios, serve, settled, wire } from "./harness.mjs";
//
//   scenarios("the timeline", { browsers: ["chromium", "firefox"] }, ({ test, visit, before }) => {
//     let server;
//     before(async () => (server = await serve(await history([{ minutes: 120 }]))));   // the real dashboard
//
//     test("plays", async () => {
//       await visit(server.url, { hash: "#last=all&theme=dark", width: 1280, height: 800 }, async (page) => {
//         await page.keyboard.press("Space");
//         await page.waitForFunction(() => window.__packetheat.connection === "live");   // wait for a state …
//         await settled(page);                                                           // … or until the map rests
//         assert.match(await page.$eval(".answer", (e) => e.textContent), /packets/);
//       });
//     });
//   });
//
// scenarios(title, { browsers }, body)   runs body once a browser that is installed (default: Chromium alone).
// visit(target, options, body)   opens a saved file (a path) or a server (its url), runs body(page, seen), and holds the
//                                page to: no request to anybody else, no error, no console warning, no policy violation.
//                                A body that provokes one takes it out of seen.errors or seen.requests.
//                                Options: hash, width, height, scale, dark, still (reduced motion), touch.
//                                Until (a function run in the page) tells when it is there: by default when the map has data.
//                                Firefox knows neither dark (use #theme=light) nor touch nor still.
// open(target, options)          the same without the rules; returns { page, seen }. Close the page yourself.
//
// The program (make page program builds it):
//   history([{ minutes, from, stretch, seed }, …], env)   a store of replayed demo traffic; gaps between its parts
//   serve(data, { flags, cwd, env })   its dashboard: { url, stop() }
//   start([args], { cwd, env })  any command that goes on until stop()
//   demo({ flags, env })                the sensor live on a veth with the world's traffic: { url, stop(), cwd }
//   wire()                       root: a wire of your own: .run({ flags, env }) is a sensor { url, cut(), mend() } on it (env: {
//                                PACKETHEAT_SENSOR_TICK: "1s" } makes it quick), .send({ from: addresses.Tokyo, count }) sends
//                                real datagrams to it; skip where !wired; .close() it in after()
//   proxy(url, { prefix, change })   a reverse proxy: { url, cut(), mend(), asked }; change(path) may ask for another
//   packetheat([args], { cwd })  any command to its end: { stdout, stderr }
//   sample(…flags)               a page of made-up traffic of exact size, by testdata/sample (-rows -places -empty …)
//   scratch()                    a folder that is gone when the test is
//   row                          the selector of the list's lines
// patience                     how long anything may take, in ms: for what you wait for yourself. Puppeteer's waiting has it by default.
// All of it is taken down at the end. Keep a file below half a minute; never wait for a time, wait for a state.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { chromium, firefox, launch, openFile } from "./browser.mjs";
import { required } from "./program.mjs";

export { chromium, firefox, launch, openFile, patience, settled } from "./browser.mjs";
export { difference, pixels } from "./pixels.mjs";
export { demo, history, packetheat, program, recording, required, sample, scratch, serve, start } from "./program.mjs";
export { proxy } from "./proxy.mjs";
export { addresses, wire, wired } from "./wire.mjs";

/** The lines of the list: buttons that open cards. */
export const row = '#list [role="rowheader"] button';

const installed = { chromium, firefox };

export function scenarios(title, { browsers = ["chromium"] } = {}, body) {
  for (const kind of browsers) {
    const missing = !installed[kind] && !required && `no ${kind} here`;
    describe(`${title}, in ${kind}`, { skip: missing }, () => {
      let started;
      before(async () => (started = await launch(kind)));
      after(() => started?.close());

      const open = (target, options = {}) =>
        /^https?:/.test(target) ? openFile(started.browser, "", { url: target, offline: false, ...options }) : openFile(started.browser, target, options);

      async function visit(target, options, run) {
        const { page, seen, origin } = await open(target, options);
        try {
          await run(page, seen);
          seen.errors.push(...(await page.evaluate(() => window.__violations)));
          const elsewhere = seen.requests.filter((r) => !origin || new URL(r).origin !== origin);
          assert.deepEqual({ requests: elsewhere, errors: seen.errors }, { requests: [], errors: [] });
        } finally {
          await page.close();
        }
      }
      body({ kind, test, before, after, open, visit });
    });
  }
}
