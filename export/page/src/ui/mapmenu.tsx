// How the map is drawn: what row 2 has no room for. The browser's own popover
// brings Escape, a click elsewhere, and the focus back to the button.

import { measure } from "../measure";
import { dataset, revision } from "../model";
import { scale } from "../page";
import { palettes, type Palette } from "../ramp";
import * as s from "../state";
import "./mapmenu.css";

export const menuId = "map-menu";

const projections = [["equal-earth", "Equal Earth", "Areas are true"], ["mercator", "Mercator", "Shapes are true, the north is too large"], ["globe", "Globe", "Turn it by dragging"]] as const;

export function MapMenuButton() {
  return (
    <button type="button" popovertarget={menuId} aria-label="How the map is drawn" title="How the map is drawn (m)">
      <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><path d="M8 1.5 15 5 8 8.5 1 5ZM1 8.2l7 3.5 7-3.5M1 11.2l7 3.5 7-3.5" /></svg>
    </button>
  );
}

/** Beside its button: popovers are placed on the window. */
function place(e: { newState: string; currentTarget: HTMLElement }): void {
  const b = document.querySelector(`[popovertarget="${menuId}"]`)?.getBoundingClientRect(), { style } = e.currentTarget;
  if (e.newState !== "open" || !b) return;
  style.right = `${Math.max(8, innerWidth - b.left + 6)}px`;
  style.top = `${Math.max(8, Math.min(b.top, innerHeight - 420))}px`;
}

export function MapMenu() {
  revision.value;
  const home = dataset.value?.meta.home, m = measure.value;
  return (
    <div id={menuId} class="map-menu" popover="auto" onToggle={place} role="dialog" aria-label="How the map is drawn">
      <Options label="Projection" value={s.projection.value} options={projections} choose={(v) => (s.projection.value = v)} />
      <Options
        label="Show" value={s.split.value ? "split" : "heat"} choose={(v) => (s.split.value = v === "split")}
        options={[["heat", "Heat", "How much is near each place"], ["split", "In and out", "A half-disc for each direction"]] as const}
      />
      <Options
        label="Weigh by" value={m} choose={weigh}
        options={[["packets", "Packets", "Packets"], ["bytes", "Bytes", "Bytes on the wire"], ["bits", "Bit/s", "Bits per second, on average over the time shown"], ["addresses", "Addresses", "How many different addresses"]] as const}
      />
      <Options label="Colours" value={s.palette.value} options={palettes.map((p) => [p, p, ""] as [Palette, string, string])} choose={(v) => (s.palette.value = v)} />
      <label title={home ? "" : "Set geo.home in the sensor's config.yaml"}>
        <input type="checkbox" checked={s.arcs.value} disabled={!home} onChange={(e) => (s.arcs.value = e.currentTarget.checked)} />
        Lines from home to the top 50 places{home ? "" : " (needs geo.home)"}
      </label>
      <label>
        <input type="checkbox" checked={s.lock.value !== null} onChange={toggleLock} />
        Lock the scale
      </label>
    </div>
  );
}

/** The unit of the page goes along where it is one. */
export function weigh(m: "packets" | "bytes" | "bits" | "addresses"): void {
  s.lock.value = null; // its limits were of another measure
  if (m === "addresses") s.split.value = false;
  s.by.value = m === "bits" ? "rate" : m === "addresses" ? "addresses" : "amount";
  if (m !== "addresses") s.unit.value = m === "packets" ? "packets" : "bytes";
}

export function toggleLock(): void {
  const now = scale.value;
  s.lock.value = s.lock.value || !now ? null : [now.low, now.high];
}

interface OptionsProps<T extends string> { label: string; value: T; options: readonly (readonly [T, string, string])[]; choose: (v: T) => void }

function Options<T extends string>({ label, value, options, choose }: OptionsProps<T>) {
  return (
    <fieldset>
      <legend>{label}</legend>
      {options.map(([key, text, title]) => (
        <button key={key} type="button" class="chip" aria-pressed={value === key} data-option={key} title={title} onClick={() => choose(key)}>{text}</button>
      ))}
    </fieldset>
  );
}
