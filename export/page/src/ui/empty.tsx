// What stands on the map when there is nothing to show: one sentence, one action.

import { connection, status } from "../live";
import { dataset, live, revision, sums } from "../model";
import { count } from "../format";
import { clearSelection, filter, narrowed } from "../state";

export function Empty() {
  revision.value;
  const d = dataset.value, v = sums.value;
  if (live.value && connection.value === "lost" && !d) return <Note text="The sensor does not answer. The page keeps trying." />;
  if (!d || !v) return live.value ? <Note text={status.value.message || "Starting: the first map comes within seconds."} /> : null;
  if (v.totalPackets === 0) {
    if (filter.value || (narrowed() && d.rows.n > 0)) return <Note text="Nothing matches this filter and these switches." action="Show everything" run={clearSelection} />;
    const why = d.meta.message || status.value.message;
    return <Note text={why || "No public traffic was seen in this window."} hint="To see the map with generated traffic, run" code="packetheat demo" />;
  }
  if (v.unlocated === v.totalPackets) {
    return <Note text={`${count(v.totalPackets)} packets were seen, but none could be placed on the map.`} hint="To see which GeoIP database is used, run" code="packetheat geo status" />;
  }
  return null;
}

interface NoteProps { text: string; hint?: string; code?: string; action?: string; run?: () => void }

function Note({ text, hint, code, action, run }: NoteProps) {
  return (
    <div class="empty" role="status">
      <p>{text}</p>
      {hint && <p class="quiet">{hint} <code>{code}</code></p>}
      {action && <button type="button" class="chip" onClick={run}>{action}</button>}
    </div>
  );
}
