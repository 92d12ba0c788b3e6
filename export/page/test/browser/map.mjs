// The map itself: projections, gestures, menus.
//   npm run build && npm run test:browser
import assert from "node:assert/strict";
import { difference, pixels, sample, scenarios, settled } from "./harness.mjs";

const ashburn = [-77.4874, 39.0438], frankfurt = [8.6821, 50.1109], suva = [178.065, -17.7134], tokyo = [139.6503, 35.6762];
const kinds = ["equal-earth", "mercator", "globe"];

const at = (page, [lon, lat]) => page.evaluate((lon, lat) => window.__packetheat.project(lon, lat), lon, lat);
const scale = (page) => page.evaluate(() => window.__packetheat.scale);
const pixel = (p, [x, y]) => [...p.data.subarray(4 * (Math.round(y) * p.width + Math.round(x)), 4 * (Math.round(y) * p.width + Math.round(x)) + 3)];
const pause = (ms) => new Promise((r) => setTimeout(r, ms));

/** Drags as a hand does: over some frames, and holds still before it lets go, or does not. */
async function drag(page, [x, y], dx, dy, { hold = true } = {}) {
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let i = 1; i <= 6; i++) {
    await page.mouse.move(x + (dx * i) / 6, y + (dy * i) / 6);
    await pause(16);
  }
  if (hold) await pause(160);
  await page.mouse.up();
}

scenarios("the map", { browsers: ["chromium", "firefox"] }, ({ kind: browser, test, visit, before }) => {
  let full, few, bare;
  before(() => {
    full = sample("-rows", "10000", "-places", "600", "-home");
    few = sample("-rows", "3000");
    bare = sample("-empty");
  });

  for (const kind of kinds) {
    test(`${kind}: heat is where the places are, nothing on the far side`, async () => {
      let before;
      const hash = `#proj=${kind}&view=20,-30,1`;
      await visit(bare, { hash }, async (page) => {
        await page.evaluate(() => document.querySelector(".empty").remove());
        before = await pixels(page);
      });
      await visit(full, { hash }, async (page) => {
        const now = await pixels(page);
        assert.ok(difference(before, now, await at(page, ashburn)) > 100, "Ashburn does not glow");
        const far = await at(page, tokyo);
        if (kind === "globe") assert.equal(far, null);
        else assert.ok(difference(before, now, far) > 100, "Tokyo does not glow");
      });
    });

    test(`${kind}: the hand carries the map, the wheel zooms about the pointer, the scale stays`, async () => {
      await visit(full, { hash: `#proj=${kind}&view=40,0,4` }, async (page) => {
        const first = await scale(page), p = await at(page, frankfurt);
        await drag(page, p, 90, 40);
        await settled(page);
        const q = await at(page, frankfurt);
        assert.ok(Math.hypot(q[0] - p[0] - 90, q[1] - p[1] - 40) < 3, `carried to ${q} from ${p}`);
        await page.mouse.wheel({ deltaY: -500 });
        await settled(page);
        const r = await at(page, frankfurt);
        assert.ok(Math.hypot(r[0] - q[0], r[1] - q[1]) < 3, `zoomed about ${r}, not ${q}`);
        assert.deepEqual(await scale(page), first);
        assert.match(page.url(), /view=/);
      });
    });

    test(`${kind}: goes across 180° without an edge`, async () => {
      await visit(few, { hash: `#proj=${kind}&view=-17,176,6` }, async (page) => {
        const west = await at(page, [179, -17]), east = await at(page, [-179, -17]);
        assert.ok(east[0] > west[0] && east[0] - west[0] < 60, `${west} ${east}`);
        await drag(page, [640, 400], -250, 0);
        await settled(page);
        const moved = await at(page, suva), map = await page.$eval("canvas.map", (e) => e.getBoundingClientRect().toJSON());
        assert.ok(moved[0] < 640 && moved[0] > map.x, "Fiji went with the map");
        // Open sea left and right: nothing of it is the emptiness beyond an edge.
        const shot = await pixels(page), sea = pixel(shot, [map.x + 60, map.y + map.height - 260]);
        for (const x of [map.x + 200, map.x + map.width - 120]) {
          const there = pixel(shot, [x, map.y + map.height - 260]); // the globe is lit from one side
          assert.ok(there.every((v, i) => Math.abs(v - sea[i]) < 8), `${there} is not the sea's ${sea}`);
        }
      });
    });
  }

  for (const [kind, view, dx, dy] of [["equal-earth", "0,11,1", 300, 0], ["equal-earth", "25,0,3", 210, 70], ["mercator", "20,170,2", -333, 40]]) {
    test(`${kind} at ${view}: while a hand carries it, the map is what it will be when it rests`, async () => {
      await visit(bare, { hash: `#proj=${kind}&view=${view}&theme=light` }, async (page) => {
        await page.evaluate(() => document.querySelector(".empty").remove());
        await settled(page);
        const box = await page.$eval("canvas.map", (e) => e.getBoundingClientRect().toJSON()), [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
        await page.mouse.move(x, y);
        await page.mouse.down();
        for (let i = 1; i <= 6; i++) await page.mouse.move(x + (dx * i) / 6, y + (dy * i) / 6);
        await pause(200); // that nothing is thrown
        const carried = await pixels(page);
        await page.mouse.up();
        await settled(page);
        const rests = await pixels(page);
        // The same within a pixel or two: coasts may be as far off while they move. Names and controls are left out.
        let n = 0, other = 0;
        const near = (px, py) => [-2, 0, 2].some((v) => [-2, 0, 2].some((u) => difference(carried, rests, [px + u, py + v], [px, py]) < 12));
        for (let py = Math.ceil(box.y) + 8; py < box.y + box.height - 8; py += 3) for (let px = Math.ceil(box.x) + 8; px < box.x + box.width - 90; px += 3, n++) if (!near(px, py)) other++;
        assert.ok(other < 0.02 * n, `${other} of ${n} points differ`);
      });
    });
  }

  test("a map that is let go of while it moves glides on, unless motion is unwanted", { skip: browser === "firefox" && "WebDriver BiDi has no hand that throws, and no reduced motion" }, async () => {
    for (const still of [false, true]) {
      await visit(full, { hash: "#view=30,0,3", still }, async (page) => {
        // A machine with other work may see the hand rest before it lets go: then it is thrown again.
        let on = 0;
        for (let i = 0; i < 20 && on < 15; i++) {
          // Further each time, to and fro: the slower the machine, the more time is between two moves.
          const p = await at(page, frankfurt), way = (i % 2 ? -1 : 1) * Math.min(60 + 40 * i, 300);
          await drag(page, p, way, 0, { hold: false });
          await settled(page);
          await pause(800);
          on = Math.sign(way) * ((await at(page, frankfurt))[0] - p[0] - way);
          if (still) break;
        }
        if (still) assert.ok(Math.abs(on) < 3, `${on} px with reduced motion`);
        else assert.ok(on > 15, `only ${on} px`);
      });
    }
  });

  test("projections change by key and by menu, and what one looks at stays", async () => {
    await visit(full, { hash: "#view=48,9,7" }, async (page) => {
      const middle = await at(page, [9, 48]);
      for (const kind of ["mercator", "globe", "equal-earth"]) {
        await page.keyboard.press("p");
        await settled(page);
        const now = await at(page, [9, 48]);
        assert.ok(Math.hypot(now[0] - middle[0], now[1] - middle[1]) < 2, kind);
        if (kind !== "equal-earth") assert.ok(page.url().includes(`proj=${kind}`));
      }
      await page.click('[popovertarget="map-menu"]');
      await page.waitForSelector("#map-menu:popover-open");
      await page.click('[data-option="globe"]');
      await settled(page);
      assert.match(page.url(), /proj=globe/);
      await page.keyboard.press("Escape");
      await page.waitForSelector("#map-menu:not(:popover-open)");
    });
  });
});
