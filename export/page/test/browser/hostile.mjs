// Names are text: GeoIP names, labels, title, note, links and filters that are
// programs, in the dashboard and in a saved file. Nothing of them may run, be markup,
// or style anything, and all of them can be read.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packetheat, recording, row, scenarios, scratch, serve, settled } from "./harness.mjs";

const top = fileURLToPath(new URL("../../../..", import.meta.url));

/** A store whose every name is a program, and the settings that make it so. */
async function hostileStore() {
  const cwd = scratch();
  const names = JSON.parse(execFileSync("go", ["run", "./export/page/testdata/hostile", "-dir", cwd], { cwd: top, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
  writeFileSync(join(cwd, "all.txt"), "0.0.0.0/0\n::/0\n");
  writeFileSync(join(cwd, "config.yaml"), JSON.stringify({
    geo: { city: "city.mmdb", asn: "asn.mmdb", labels: names.slice(0, 4).map((label) => ({ file: "all.txt", label })), home: { latitude: 52.5, longitude: 13.4 } },
    dashboard: { links: [{ name: names[1], url: "https://example.org/?q={ip}&n=" + names[3] }] },
  }));
  mkdirSync(join(cwd, "data"));
  await packetheat(["replay", recording({ minutes: 20, stretch: 5 }), "--data", "data"], { cwd });
  return { cwd, names };
}

/** What would be there if a name had become more than text. */
const traces = () => ({
  ran: typeof ran !== "undefined",
  elements: [...document.querySelectorAll("img, iframe, object, embed, base, a[href^='javascript:' i], svg[onload]")].map((e) => e.outerHTML.slice(0, 120)),
  handlers: [...document.querySelectorAll("*")].flatMap((e) => [...e.attributes].filter((a) => /^on/i.test(a.name) || a.name === "srcdoc").map((a) => a.name)),
  scripts: [...document.scripts].filter((s) => s.textContent.trim() === "ran=true").length,
  hidden: getComputedStyle(document.body).display === "none",
});
const none = { ran: false, elements: [], handlers: [], scripts: 0, hidden: false };

scenarios("names that are programs", { browsers: ["chromium", "firefox"] }, ({ test, before, after, visit }) => {
  let store, server, saved;
  before(async () => {
    store = await hostileStore();
    server = await serve("data", { cwd: store.cwd });
    saved = join(store.cwd, "saved.html");
    await packetheat(["export", "html", "-o", saved, "--title", store.names[2], "--note", store.names[4] + store.names[5]], { cwd: store.cwd });
  });
  after(() => server?.stop());

  /** Goes through tabs, cards and a filter, and looks for traces everywhere. */
  async function walk(page) {
    const look = async (where) => {
      await settled(page);
      assert.deepEqual(await page.evaluate(traces), none, where);
      return page.evaluate(() => document.body.innerText);
    };
    let text = await look("at first");
    for (const tab of await page.$$eval('[role="tab"]', (all) => all.map((e) => e.id))) {
      await page.click("#" + tab);
      text += await look("in a tab");
      const first = await page.$(row);
      if (!first) continue;
      await first.click();
      text += await look("in a card");
      await page.keyboard.press("Escape");
      await page.waitForSelector('[role="tab"]');
    }
    await page.focus("#filter");
    await page.type("#filter", `city:"${store.names[1].replaceAll('"', '\\"')}"`);
    text += await look("while a filter is typed");
    await page.keyboard.press("Enter");
    text += await look("with a filter");
    return text;
  }

  /** Names are seen as they are written; a control character may be made visible. */
  function readable(text, names) {
    for (const n of names) assert.ok(text.includes(n), `${n} cannot be read in\n${text.slice(0, 3000)}`);
  }

  test("in the dashboard", async () => {
    await visit(server.url, { hash: "#last=all" }, async (page, seen) => {
      const text = await walk(page);
      readable(text, store.names.slice(0, 4));
      seen.errors = seen.errors.filter((e) => !/status of 400/.test(e)); // a filter that is none is a mistake, and said to be
    });
  });

  test("in a link to the dashboard", async () => {
    const fields = ["filter", "place", "tab", "compare", "window", "theme"], named = store.names.map((name, i) => [fields[i % 6], name]);
    // A filter or a window that is none has no answer, and the page says so instead of showing data: each has a link of its own.
    const alone = named.filter(([field]) => /filter|window/.test(field)).map((one) => [one]), beside = named.filter(([field]) => !/filter|window/.test(field));
    for (const link of [...alone, beside.slice(0, 4), beside.slice(4)]) {
      const hash = "#last=all" + link.map(([field, name]) => `&${field}=${encodeURIComponent(name)}`).join("");
      await visit(server.url, { hash, until: () => document.querySelector(".page .answer") }, async (page, seen) => {
        assert.deepEqual(await page.evaluate(traces), none, hash);
        seen.errors = seen.errors.filter((e) => !/status of 400/.test(e));
      });
    }
  });

  test("in a saved file", async () => {
    await visit(saved, {}, async (page) => {
      const text = await walk(page);
      readable(text, [...store.names.slice(0, 4), store.names[4] + store.names[5]]);
      assert.ok((await page.title()).includes(store.names[2]));
    });
  });
});
