// Row 2: the questions one can ask: filter, protocol, direction, unit, window.

import { status } from "../live";
import { dataset, live } from "../model";
import { sheet } from "../page";
import * as s from "../state";
import { theme } from "../theme";
import { FilterBox, Mistakes } from "./filterbox";

const names = ["TCP", "UDP", "ICMP", "other"];

export function Chips() {
  const open = sheet.value;
  return (
    <>
      <section class={open ? "chips open" : "chips"} aria-label="Filters">
        <FilterBox />
        <button type="button" class="chip sheet-toggle" aria-expanded={open} onClick={() => (sheet.value = !open)}>Filters</button>
        <div class="group" role="group" aria-label="Protocol">
          {names.map((name, i) => <Protocol key={name} name={name} bit={i} />)}
        </div>
        <Choice label="Direction" value={s.direction} options={[["both", "in + out", "Both directions"], ["in", "in", "What came from there"], ["out", "out", "What went there"]]} />
        <Choice label="Unit" value={s.unit} options={[["packets", "packets", "Weigh by packets"], ["bytes", "bytes", "Weigh by bytes on the wire"]]} />
        <Clouds />
        <span class="grow" />
        <div class="group" role="group" aria-label="Display">
          <button type="button" class="chip" onClick={() => (s.zone.value = s.zone.value === "utc" ? "local" : "utc")} title="Show times in UTC or local time">
            {s.zone.value === "utc" ? "UTC" : "local time"}
          </button>
          <button type="button" class="chip icon" onClick={() => (s.theme.value = theme.value === "dark" ? "light" : "dark")} aria-label={theme.value === "dark" ? "Light theme" : "Dark theme"} title="Light or dark">
            {theme.value === "dark" ? "☀" : "☾"}
          </button>
        </div>
      </section>
      <Mistakes />
    </>
  );
}

function Protocol({ name, bit }: { name: string; bit: number }) {
  const on = ((s.protocol.value >> bit) & 1) === 1;
  return (
    <button
      type="button" class="chip" aria-pressed={on} data-proto={s.protocols[bit]}
      onClick={() => (s.protocol.value = s.protocol.value ^ (1 << bit) || 0b1111)}
      onDblClick={() => (s.protocol.value = 1 << bit)}
      title={`${on ? "Hide" : "Show"} ${name}; double click shows it alone`}
    >{name}</button>
  );
}

/** One switch for what makes all maps of homes and offices the same. */
function Clouds() {
  const known = live.value ? status.value.labels?.includes("cloud") : dataset.value?.meta.clouds;
  if (!known) return null;
  const on = s.clouds.value;
  return (
    <button type="button" class="chip" data-clouds aria-pressed={on} onClick={() => (s.clouds.value = !on)}
      title={`${on ? "Hide" : "Show"} big clouds and content networks (label:cloud)`}>Clouds &amp; CDNs</button>
  );
}

interface ChoiceProps<T extends string> { label: string; value: { value: T }; options: [T, string, string][] }

function Choice<T extends string>({ label, value, options }: ChoiceProps<T>) {
  return (
    <div class="group segments" role="group" aria-label={label}>
      {options.map(([key, text, title]) => (
        <button key={key} type="button" class="chip" aria-pressed={value.value === key} data-choice={key} title={title} onClick={() => (value.value = key)}>{text}</button>
      ))}
    </div>
  );
}
