// Starts the page in one of its two lives: a filled data tag makes it a saved
// file, an empty one the dashboard.

import { batch, effect } from "@preact/signals";
import { render } from "preact";
import { signedOut } from "./api";
import { decode, fromBase64 } from "./codec";
import { Dataset } from "./dataset";
import { opensWith } from "./evidence";
import { surroundMap } from "./later";
import * as live from "./live";
import * as model from "./model";
import { broken, map, world } from "./page";
import "./testhook";
import { signIn } from "./signin";
import * as theme from "./theme";
import { App } from "./ui/app";
import * as url from "./url";
import { loadWorld } from "./world";

url.bind(opensWith());
theme.follow();

const tag = document.getElementById("packetheat-data");
const packed = tag?.textContent?.trim() ?? "";
const saved = packed !== "" && !packed.startsWith("<!--");

/** A file of more characters than this has its world drawn before its data are read, which takes a moment. */
const long = 1_500_000;

const earth = loadWorld();
if (!saved || packed.length > long) earth.then((w) => (world.value = w), fail);

if (saved) {
  tag!.textContent = ""; // the text is megabytes, the columns replace it
  const data = decode(fromBase64(packed));
  render(<App />, document.getElementById("app")!);
  Promise.all([earth, data]).then(([w, columns]) => {
    surroundMap((around) => around.keepFresh(columns.meta));
    batch(() => {
      world.value = w;
      model.dataset.value = new Dataset(columns);
    });
    map.peek()?.now();
  }, fail);
} else {
  render(<App />, document.getElementById("app")!);
  if (location.protocol.startsWith("http")) {
    live.start();
    effect(() => void (signedOut.value && signIn()));
    surroundMap((around) => around.follow());
  } else {
    broken.value = "This file carries no data: it is the page as the dashboard serves it. Make one with: packetheat export html -o map.html";
  }
}

effect(() => {
  const m = model.dataset.value?.meta;
  if (model.live.value && m) document.title = `${m.title || m.sensor || "packetheat"} · live · packetheat`;
});

function fail(e: unknown): void {
  broken.value = `This file cannot be read: ${e instanceof Error ? e.message : String(e)}. Write it again with the same version of packetheat.`;
}
