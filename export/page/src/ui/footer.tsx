// Who made the data, how old it is, and how to make this page again.

import type { Geo } from "../codec";
import { aged } from "../format";
import { status } from "../live";
import { dataset, live, revision } from "../model";
import { about, help } from "../page";

export function Footer() {
  revision.value;
  const m = dataset.value?.meta, version = m?.version || status.value.version;
  return (
    <footer class="footer">
      {m?.coarsened && <span>{m.coarsened}</span>}
      {m?.geo?.map((g, i) => <Source key={i} geo={g} further={i > 0} />)}
      <span>Map: Natural Earth</span>
      {m?.filter && <span class={live.value ? "wide" : ""}>Filter: <code>{m.filter}</code></span>}
      <span class="grow" />
      {m?.command && !live.value && <code class="command" title="Makes this page again">{m.command}</code>}
      {m && <button type="button" class="plain" onClick={() => (about.value = true)} aria-haspopup="dialog">About<span class="wide">{live.value ? " these numbers" : " this file"}</span></button>}
      <span class="version">packetheat{version ? ` ${version}` : ""}</span>
      <button type="button" class="plain keys" onClick={() => (help.value = true)} aria-label="Keys">?</button>
    </footer>
  );
}

/** A database: what its licence asks to be said, and its age. */
function Source({ geo, further }: { geo: Geo; further: boolean }) {
  const text = geo.attribution || geo.name;
  const age = geo.built ? aged(Date.now() - Date.parse(geo.built)) + " old" : "";
  return (
    <span class={further ? "further" : ""} title={`${geo.name}${geo.built ? ", built " + geo.built.slice(0, 10) : ""}`}>
      {geo.url?.startsWith("https://") ? <a href={geo.url} target="_blank" rel="noopener noreferrer">{text}</a> : text}
      <span class="quiet">{geo.attribution && geo.name !== "built-in" ? ` (${geo.name})` : ""}{age && `, ${age}`}</span>
    </span>
  );
}
