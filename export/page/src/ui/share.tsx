// Share: what is seen, as a file, a picture or a link.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { carried, moves, moving, nailed, pageAddress, rowsAddress, rowsCommand, type PageOptions } from "../links";
import { bins, dataset, keys, live, question } from "../model";
import { map, sharing } from "../page";
import { picture } from "../png";
import { csv, geojson, ndjson, rowsOf } from "../rows";
import { fileName, save } from "../save";
import { Copy } from "./copy";
import { Dialog } from "./dialog";
import "./share.css";

const page = signal<PageOptions>({ detail: "addresses", mask: "", title: "", note: "" });
const set = (change: Partial<PageOptions>) => (page.value = { ...page.value, ...change });

export function Share() {
  return (
    <Dialog title="Share this view" kind="share" close={() => (sharing.value = false)}>
      <h3>As one page</h3>
      {live.value ? <PageFile /> : <p class="quiet">You have it: this file is the whole page. It needs no network and no program but a browser.</p>}
      <h3>As a picture</h3>
      <p><Picture /> <button type="button" class="chip" onClick={printed}>Print</button></p>
      <h3>As rows</h3>
      <Rows />
      <h3>As a link</h3>
      <Links />
    </Dialog>
  );
}

/** Which page the sensor shall write. A masked one has places only, whatever detail says. */
function PageFile() {
  const o = page.value;
  return (
    <>
      <div class="share-form">
        <label>Addresses
          <select value={o.mask || "shown"} onChange={(e) => set({ mask: e.currentTarget.value === "shown" ? "" : (e.currentTarget.value as PageOptions["mask"]) })}>
            <option value="shown">as they are</option>
            <option value="networks">masked: networks only</option>
            <option value="gone">masked: none at all</option>
          </select>
        </label>
        <label>Detail
          <select value={o.mask ? "places" : o.detail} disabled={o.mask !== ""} onChange={(e) => set({ detail: e.currentTarget.value as PageOptions["detail"] })}>
            <option value="places">places</option>
            <option value="addresses">top addresses and ports</option>
            <option value="full">all addresses and ports</option>
          </select>
        </label>
        <label>Title <input type="text" maxLength={120} value={o.title} onInput={(e) => set({ title: e.currentTarget.value })} /></label>
        <label>Note <input type="text" maxLength={500} value={o.note} onInput={(e) => set({ note: e.currentTarget.value })} /></label>
      </div>
      <p><File to={pageAddress(o)}>Save HTML</File> <span class="quiet">{o.mask ? "opens without this view’s switches" : carried() ? "opens as you see it now" : ""}</span></p>
    </>
  );
}

/** The sensor's files come with their own names. */
function File({ to, children }: { to: string; children: ComponentChildren }) {
  return <a class="chip" href={to} download>{children}</a>;
}

const kinds = [["csv", "CSV", "text/csv"], ["geojson", "GeoJSON", "application/geo+json"], ["ndjson", "NDJSON", "application/x-ndjson"]] as const;

function Rows() {
  if (live.value) return <p>{kinds.map(([kind, name]) => <File key={kind} to={rowsAddress(kind)}>{name}</File>)} <span class="quiet">every point of what is seen</span></p>;
  const fine = question.value.details !== undefined;
  return (
    <>
      {!fine && <p>{kinds.map(([kind, name, type]) => <button key={kind} type="button" class="chip" onClick={() => saveRows(kind, type)}>{name}</button>)} <span class="quiet">sums by place and time step</span></p>}
      <p class="quiet">{fine ? "This file has no rows of single addresses or ports." : "Rows with addresses are not in this file."} Ask the sensor: <code>{rowsCommand("csv")}</code></p>
    </>
  );
}

function saveRows(kind: "csv" | "geojson" | "ndjson", type: string): void {
  const d = dataset.value;
  if (!d) return;
  const rows = rowsOf(d, { keys: keys.value, bins: bins.value, places: question.value.places });
  const text = kind === "csv" ? csv(rows) : kind === "ndjson" ? ndjson(rows) : geojson(rows, d);
  save(fileName(d.meta.sensor, d.from, kind), new Blob([text], { type }));
}

function Picture() {
  const d = dataset.value, view = map.value;
  const run = () => void (view && picture(view).then((png) => save(fileName(d?.meta.sensor ?? "", d?.from ?? Date.now(), "png"), png)));
  return <button type="button" class="chip" disabled={!view} onClick={run}>Save PNG</button>;
}

/** The sheet goes first: it is not to be on the paper. */
function printed(): void {
  sharing.value = false;
  setTimeout(() => print(), 50);
}

function Links() {
  if (!live.value) return <p><Copy text={moving}>Copy link</Copy> <span class="quiet">to this file, as it is seen now</span></p>;
  return (
    <p>
      <Copy text={nailed}>Copy link to this time</Copy>
      {moves() && <Copy text={moving}>Copy link that follows</Copy>}
    </p>
  );
}
