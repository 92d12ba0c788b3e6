// Starts Debian's Chromium or Firefox without any network, and opens files and local
// servers in it. Scenarios come in by harness.mjs.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const first = (paths) => paths.find((p) => existsSync(p));

export const chromium = process.env.CHROMIUM ?? first(["/usr/bin/chromium", "/usr/bin/chromium-browser"]);
export const firefox = process.env.FIREFOX ?? first(["/usr/bin/firefox-esr", "/usr/bin/firefox"]);

/** What differs between the two when they are started. Both reach 127.0.0.1 and nothing else. */
const kinds = {
  chromium: {
    executablePath: chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  },
  firefox: {
    browser: "firefox",
    executablePath: firefox,
    extraPrefsFirefox: {
      // All but this machine goes to a proxy that is not there: port 9 is discard.
      "network.proxy.type": 1, "network.proxy.http": "127.0.0.1", "network.proxy.http_port": 9, "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 9,
      "network.proxy.no_proxies_on": "localhost, 127.0.0.1",
      "layout.css.prefers-color-scheme.content-override": 0, // dark; WebDriver BiDi cannot emulate it
      "datareporting.policy.dataSubmissionEnabled": false, "app.update.enabled": false, "browser.safebrowsing.update.enabled": false,
    },
  },
};

/** How long a busy machine may take for what comes at once on a quiet one: it only bounds how long a mistake is waited for. */
export const patience = 120_000;

/** A browser with a profile of its own, gone with close(). */
export async function launch(kind = "chromium") {
  const profile = mkdtempSync(join(tmpdir(), "packetheat-page-"));
  const browser = await puppeteer.launch({ headless: true, userDataDir: profile, timeout: patience, protocolTimeout: 5 * patience, ...kinds[kind] });
  return {
    browser, kind,
    async close() {
      await browser.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * Opens a file, or a server by its url; requests to anything else, errors, console
 * errors and breaches of the content security policy are collected in seen.
 * Firefox is always dark unless the hash says theme=light, and has no touch.
 */
export async function openFile(browser, file, { width = 1280, height = 800, hash = "", dark = true, touch = false, scale = 1, still = false, offline = true, url = "", until = () => window.__packetheat?.ready } = {}) {
  const page = await browser.newPage();
  page.setDefaultTimeout(patience); // of all that is waited for in a page
  const seen = { requests: [], errors: [] };
  const isFirefox = (await browser.version()).toLowerCase().includes("firefox");
  await page.setViewport(isFirefox ? { width, height, deviceScaleFactor: scale } : { width, height, hasTouch: touch, isMobile: touch, deviceScaleFactor: scale });
  if (!isFirefox) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }, { name: "prefers-reduced-motion", value: still ? "reduce" : "no-preference" }]);
    await page.setOfflineMode(offline);
  }
  const target = url || pathToFileURL(file).href, origin = url && new URL(url).origin;
  page.on("request", (r) => {
    const to = r.url().split("#")[0];
    if (to !== target.split("#")[0] && !/^(data|blob):/.test(to)) seen.requests.push(r.url());
  });
  page.on("pageerror", (e) => seen.errors.push(String(e)));
  page.on("console", (m) => (m.type() === "error" || m.type() === "warn") && seen.errors.push(m.text()));
  await page.evaluateOnNewDocument(watch);
  await page.evaluateOnNewDocument(() => {
    window.__violations = [];
    addEventListener("securitypolicyviolation", (e) => window.__violations.push(`policy: ${e.effectiveDirective} forbids ${e.blockedURI} ${e.sample}`));
  });
  await page.goto(target + hash);
  await page.waitForFunction(until);
  await settled(page);
  return { page, seen, origin };
}

/** Runs before the page's own scripts: keeps count of what the page still means to do. */
function watch() {
  const due = new Map(), raf = requestAnimationFrame.bind(window), timeout = setTimeout.bind(window), soon = 320;
  let asked = 0;
  const counted = (kind, id, body) => due.set(kind + id, body) && id;
  /** f that is no longer due once it runs. */
  const once = (kind, f, args, id) => () => {
    due.delete(kind + id());
    if (typeof f === "function") f(...args());
  };
  window.setTimeout = (f, delay = 0, ...args) => {
    if (typeof f !== "function" || !(delay <= soon)) return timeout(f, delay, ...args);
    const id = timeout(once("timer", f, () => args, () => id), delay);
    return counted("timer", id, f);
  };
  window.requestAnimationFrame = (f) => {
    const id = raf((at) => once("frame", f, () => [at], () => id)());
    return counted("frame", id, f);
  };
  for (const [name, kind] of [["clearTimeout", "timer"], ["cancelAnimationFrame", "frame"]]) {
    const own = window[name].bind(window);
    window[name] = (id) => (due.delete(kind + id), own(id));
  }
  const get = window.fetch.bind(window);
  window.fetch = (...args) => {
    asked++;
    return get(...args).finally(() => asked--);
  };
  /** Resolves once three frames have found nothing due: no frame, no question, no timer that ends soon. What goes on by itself is not waited for: not longer than 180 frames, in which a slow machine does as much as a quick one. */
  window.__rests = async () => {
    const end = performance.now() + 60_000;
    for (let still = 0, frames = 0; still < 3 && frames < 180 && performance.now() < end; still = due.size || asked ? 0 : still + 1) {
      await new Promise(raf);
      if (!asked) frames++; // an answer is another process's to give
    }
  };
}

/** Waits until the page rests. */
export async function settled(page) {
  await page.evaluate(() => window.__rests());
}
