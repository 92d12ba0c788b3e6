// What stands on the map when there is nothing to show: one sentence, one action.

import "./empty.css";
import { count } from "../format";
import { act, note } from "../facts";
import { at } from "../state";
import type { Rate } from "../empty";

export function Empty() {
  const n = note.value;
  if (!n || at.value !== null) return null; // a step that is played may well have nothing
  return (
    <div class="empty" role="status">
      <p>{n.text}</p>
      {n.rates && n.rates.length > 0 && <Rates rates={n.rates} />}
      {n.deed ? (
        <button type="button" class="chip" onClick={() => act(n)}>{n.label}</button>
      ) : (
        n.code && <p class="quiet">{n.hint} <code>{n.code}</code></p>
      )}
    </div>
  );
}

/** The machine's interfaces, busiest first: where is the traffic? */
function Rates({ rates }: { rates: Rate[] }) {
  const list = [...rates].sort((a, b) => (b.perSecond ?? -1) - (a.perSecond ?? -1)).slice(0, 6);
  return (
    <table class="rates" aria-live="off">
      <caption class="unseen">Packets a second on the machine's interfaces</caption>
      <tbody>
        {list.map((r) => (
          <tr key={r.name}>
            <th scope="row">{r.name}</th>
            <td>{r.perSecond === null ? "measuring" : `${count(Math.round(r.perSecond))} packets/s`}</td>
            <td class="quiet">{r.captured ? "captured" : ""}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
