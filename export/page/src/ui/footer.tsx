// Who made the data, how old it is, and how to make this page again.

import { duration } from "../format";
import { status } from "../live";
import { dataset, revision } from "../model";
import { help } from "../page";

export function Footer() {
  revision.value;
  const m = dataset.value?.meta, version = m?.version || status.value.version;
  return (
    <footer class="footer">
      {m?.note && <span class="note-text">{m.note}</span>}
      {m?.coarsened && <span>{m.coarsened}</span>}
      {m?.geo?.map((g) => (
        <span key={g.name}>
          {g.url?.startsWith("https://") ? <a href={g.url} target="_blank" rel="noopener noreferrer">{g.attribution || g.name}</a> : g.attribution || g.name}
          <span class="quiet">{g.attribution && g.attribution !== g.name ? ` ${g.name}` : ""}{g.built ? `, ${duration(Date.now() - Date.parse(g.built))} old` : ""}</span>
        </span>
      ))}
      <span>Map: Natural Earth</span>
      {m?.filter && <span>Filter: <code>{m.filter}</code></span>}
      <span class="grow" />
      {m?.command && <code class="command" title="Makes this page again">{m.command}</code>}
      <span>packetheat{version ? ` ${version}` : ""}</span>
      <button type="button" class="plain" onClick={() => (help.value = true)} aria-label="Keys">?</button>
    </footer>
  );
}
