// axe-core over the page's states: nothing serious or critical, in both themes, on a
// phone, in sheets, with nothing to show. (axe sees no canvas: the list is its twin.)
import assert from "node:assert/strict";
import { findings } from "./findings.mjs";
import { history, sample, scenarios, serve, settled } from "./harness.mjs";

const phone = { width: 360, height: 740, touch: true, scale: 2 };
const click = (selector) => (page) => page.click(selector);
const press = (key) => (page) => page.keyboard.press(key);

/** Name, options of the visit, what is done there. */
const states = [
  ["dark", {}],
  ["light", { hash: "#theme=light" }],
  ["a card", { hash: "#place=39.0438,-77.4874|US|Virginia|Ashburn" }],
  ["a card, light", { hash: "#theme=light&place=39.0438,-77.4874|US|Virginia|Ashburn" }],
  ["the network list", { hash: "#tab=network" }],
  ["the port list, light", { hash: "#tab=port&theme=light" }],
  ["a filter", { hash: "#filter=country:DE" }],
  ["a filter's mistake", { hash: "#filter=colour:red" }],
  ["nothing matches", { hash: "#filter=country:AQ" }],
  ["direction", { hash: "#dir=in" }],
  ["playback", { hash: "#at=2026-11-17T14:10:00Z" }],
  ["compare", { hash: "#compare=before&t=2026-11-17T14:15:00Z/2026-11-17T14:30:00Z" }],
  ["share", {}, press("s")],
  ["share, light", { hash: "#theme=light" }, press("s")],
  ["about this file", {}, press("i")],
  ["keys", {}, press("?")],
  ["a phone", phone],
  ["a phone, light", { ...phone, hash: "#theme=light" }],
  ["a phone's filters", phone, click(".sheet-toggle")],
  ["a phone's list, drawn up", phone, click(".sheet-grip")],
];

scenarios("accessibility", {}, ({ test, before, after, visit }) => {
  after(() => server?.stop());
  let full, empty, server;
  before(async () => {
    full = sample("-rows", "10000", "-places", "600");
    empty = sample("-empty");
    server = await serve(await history([{ minutes: 30 }]));
  });

  for (const [name, options, act] of states) {
    test(name, async () => {
      await visit(full, options, async (page) => {
        if (act) await act(page);
        await settled(page);
        assert.deepEqual(await findings(page), []);
      });
    });
  }

  test("what is wrong is found", async () => {
    await visit(full, {}, async (page) => {
      await page.evaluate(() => {
        const button = document.querySelector(".answer").appendChild(document.createElement("button")), text = document.querySelector(".answer").appendChild(document.createElement("p"));
        button.className = "chip"; // without a name
        text.textContent = "too faint";
        text.style.color = "#333";
      });
      assert.deepEqual((await findings(page)).map((f) => f.split(" ")[0]).sort(), ["button-name", "color-contrast"]);
    });
  });

  test("an empty file", async () => visit(empty, {}, async (page) => assert.deepEqual(await findings(page), [])));

  test("live, with what only live has", async () => {
    await visit(server.url, { hash: "#last=all" }, async (page) => {
      await page.waitForFunction(() => window.__packetheat.connection === "live");
      assert.deepEqual(await findings(page), []);
      await page.keyboard.press("s");
      await page.waitForSelector("dialog.share");
      assert.deepEqual(await findings(page), []);
    });
  });
});
