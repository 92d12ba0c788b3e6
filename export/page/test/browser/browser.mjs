// Starts Debian's Chromium without any network, and opens files in it.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

export const chromium = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((p) => existsSync(p));

/** A browser with a profile of its own, gone with close(). */
export async function launch() {
  const profile = mkdtempSync(join(tmpdir(), "packetheat-page-"));
  const browser = await puppeteer.launch({
    executablePath: chromium, headless: true, userDataDir: profile,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  });
  return {
    browser,
    async close() {
      await browser.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Opens a file; requests, errors and console errors are collected. */
export async function openFile(browser, file, { width = 1280, height = 800, hash = "", dark = true, touch = false, scale = 1, offline = true, url = "" } = {}) {
  const page = await browser.newPage();
  const seen = { requests: [], errors: [] };
  await page.setViewport({ width, height, hasTouch: touch, isMobile: touch, deviceScaleFactor: scale });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  await page.setOfflineMode(offline);
  const target = url || pathToFileURL(file).href;
  page.on("request", (r) => {
    if (r.url().split("#")[0] !== target.split("#")[0] && !r.url().startsWith("data:")) seen.requests.push(r.url());
  });
  page.on("pageerror", (e) => seen.errors.push(String(e)));
  page.on("console", (m) => (m.type() === "error" || m.type() === "warn") && seen.errors.push(m.text()));
  await page.goto(target + hash);
  await page.waitForFunction(() => window.__packetheat?.ready, { timeout: 20_000 });
  await settled(page);
  return { page, seen };
}

/** Waits until the map rests. */
export async function settled(page) {
  await page.evaluate(() => new Promise((r) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(r)), 350)));
}
