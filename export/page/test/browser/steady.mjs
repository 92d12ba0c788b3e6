// The map keeps its size whatever is asked: row 1 has room for any answer. Were the map
// to grow or shrink by a line, every filter would draw all of it anew.
//   npm run build && npm run test:browser
import assert from "node:assert/strict";
import { join } from "node:path";
import { history, packetheat, sample, scenarios, scratch, settled } from "./harness.mjs";

/** Filters that leave much and little, each of them switched on and off. */
const filters = ["-country:US", "country:IS"];

const size = (page) => page.$eval("canvas.map", (e) => [e.clientWidth, e.clientHeight]);

/** Filters as a hand does, by the box. */
async function ask(page, filter) {
  await page.click("#filter", { clickCount: 3 });
  await page.keyboard.press("Backspace");
  await page.type("#filter", filter);
  await page.keyboard.press("Enter");
  await page.waitForFunction((f) => decodeURIComponent(location.hash).includes(f ? `filter=${f}` : "") && (f || !location.hash.includes("filter=")), {}, filter);
  await settled(page);
}

scenarios("the map's size", {}, ({ test, visit, before }) => {
  let files;
  before(async () => {
    const data = await history([{ minutes: 30 }]), titled = join(scratch(), "titled.html");
    await packetheat(["export", "html", "-o", titled, "--data", data, "--title", "Traffic of the branch office in Llanfairpwllgwyngyll, on the day that the new uplink was put into service"]);
    files = { "a short name": sample("-rows", "10000", "-places", "300"), "a long title": titled };
  });

  for (const what of ["a short name", "a long title"]) {
    for (const width of [1160, 1280]) {
      test(`with ${what}, ${width} pixels wide`, async () => {
        await visit(files[what], { width }, async (page) => {
          const before = await size(page), row = () => page.$eval(".answer", (e) => e.innerText);
          for (const filter of filters) {
            for (const f of [filter, ""]) {
              await ask(page, f);
              assert.deepEqual(await size(page), before, `filtered by “${f}”: ${await row()}`);
            }
          }
          await page.setViewport({ width: width - 40, height: 800 });
          await settled(page);
          assert.notDeepEqual(await size(page), before, "it does not follow the window");
        });
      });
    }
  }
});
