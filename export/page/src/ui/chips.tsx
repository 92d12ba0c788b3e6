// Row 2: the questions one can ask: filter, who opened, protocol, direction, unit, more.

import { status } from "../live";
import { dataset, live } from "../model";
import { sheet } from "../page";
import * as s from "../state";
import { openerOf, openers, withOpener, type Opener } from "../traffic";
import { has, toggled } from "../query/edit";
import { quote } from "../query/language";
import { Display } from "./display";
import { apply, FilterBox, Mistakes } from "./filterbox";
import { Menu } from "./menu";

const names = ["TCP", "UDP", "ICMP", "other"];

export function Chips() {
  const open = sheet.value;
  return (
    <>
      <section class={open ? "chips open" : "chips"} aria-label="Filters">
        <FilterBox />
        <button type="button" class="chip sheet-toggle" aria-expanded={open} onClick={() => (sheet.value = !open)}>{open ? "Done" : "Filters"}</button>
        <Traffic />
        <div class="group" role="group" aria-label="Protocol">
          {names.map((name, i) => <Protocol key={name} name={name} bit={i} />)}
        </div>
        <Choice label="Direction" value={s.direction} options={[["both", "in + out", "Both directions"], ["in", "in", "What came from there"], ["out", "out", "What went there"]]} />
        <Choice label="Unit" value={s.unit} options={[["packets", "packets", "Weigh by packets"], ["bytes", "bytes", "Weigh by bytes on the wire"]]} />
        <Clouds />
        <More />
        <Display />
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

const who: Record<Opener, [string, string]> = {
  all: ["all", "All traffic"], them: ["they opened", "Connections that they asked for (opened:them)"], us: ["we opened", "Connections that we asked for (opened:us)"],
  unanswered: ["unanswered", "Connections asked for, with nothing back in the window (opened:unanswered)"],
};

/** Who asked for connections. A saved file says when asked that only the sensor knows. */
function Traffic() {
  const now = openerOf(s.filter.value), unknown = !live.value && dataset.value !== null;
  return (
    <div class="group segments" role="group" aria-label="Traffic">
      {openers.map((o) => (
        <button key={o} type="button" class="chip" aria-pressed={now === o} aria-disabled={unknown && o !== "all"} data-opened={o} title={unknown && o !== "all" ? "This file does not tell who opened a connection: ask the sensor" : who[o][1]}
          onClick={() => apply(withOpener(s.filter.value, o))}>{who[o][0]}</button>
      ))}
    </div>
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

/** What is asked less often: which of several sensors; and how things are shown. */
function More() {
  const sensors = (dataset.value?.meta.sensor ?? "").split(", ").filter(Boolean);
  const several = sensors.length > 1 || s.filter.value.includes("sensor:");
  const marked = sensors.some((n) => has(s.filter.value, `sensor:${quote(n)}`));
  return (
    <Menu label="More" title="Sensors, time zone, theme" mark={marked}>
      {several && (
        <div>
          <h3>Seen by</h3>
          <div class="group" role="group" aria-label="Sensor">
            {sensors.map((name) => <Sensor key={name} name={name} />)}
          </div>
          {!live.value && <p class="hint">This file does not tell its sensors apart: ask them.</p>}
        </div>
      )}
      <div>
        <h3>Times in</h3>
        <Choice label="Time zone" value={s.zone} options={[["local", "local time", "This computer's zone (u)"], ["utc", "UTC", "Coordinated Universal Time (u)"]]} />
      </div>
      <div>
        <h3>Theme</h3>
        <Choice label="Theme" value={s.theme} options={[["auto", "as the system", "Light or dark as the system is (t)"], ["dark", "dark", "Always dark (t)"], ["light", "light", "Always light (t)"]]} />
      </div>
    </Menu>
  );
}

function Sensor({ name }: { name: string }) {
  const term = `sensor:${quote(name)}`, on = has(s.filter.value, term);
  return <button type="button" class="chip" data-sensor={name} aria-pressed={on} title={term} onClick={() => apply(toggled(s.filter.value, term))}>{name}</button>;
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
