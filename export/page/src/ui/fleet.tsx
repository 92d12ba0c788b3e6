// The fleet on the sheet of evidence: which sensors there are, and how late each is.

import { useEffect, useState } from "preact/hooks";
import { json } from "../api";
import { ago, clockError, inOrder, linkOf, nameOf, sentence, type Fleet, type Sensor } from "../fleet";
import { exact } from "../format";
import { about } from "../page";
import "./fleet.css";

/** Asked again after so long, as long as the sheet is open. */
const every = 10_000;

/** Nothing, where no fleet is. */
export function FleetPanel() {
  const fleet = useFleet();
  if (!fleet || fleet.masked || !(fleet.sensors.length > 0 || fleet.shipping || fleet.error)) return null;
  const list = inOrder(fleet.sensors);
  return (
    <section class="fleet" aria-labelledby="fleet-title">
      <h3 id="fleet-title">Fleet{fleet.server && <span class="quiet"> {fleet.server}</span>}</h3>
      {fleet.error && <p class="loss">{fleet.error}</p>}
      {fleet.shipping && <p class={fleet.shipping.error || fleet.shipping.lost_points ? "loss" : ""}>What this sensor stores: {sentence(fleet.shipping)}.{fleet.shipping.lost_points ? ` ${exact(fleet.shipping.lost_points)} points were given up before they were shipped.` : ""}</p>}
      {list.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Sensors of the fleet">
          <table>
            <thead><tr><th scope="col">Sensor</th><th scope="col">Last seen</th><th scope="col" class="number">Points, 24 h</th><th scope="col" class="number">Dropped</th><th scope="col">Clock</th><th scope="col">Version</th></tr></thead>
            <tbody>{list.map((s) => <Row key={`${s.sensor} ${s.origin}`} sensor={s} all={list} />)}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Row({ sensor: s, all }: { sensor: Sensor; all: readonly Sensor[] }) {
  const off = clockError(s.clock_seconds);
  return (
    <tr data-state={s.state}>
      <th scope="row"><a href={linkOf(s)} onClick={() => (about.value = false)} title="Show its traffic alone">{nameOf(s, all)}</a></th>
      <td class={s.state === "live" ? "" : "loss"}>{s.state === "live" ? "live" : `${ago(s.lag_seconds)} ago`}</td>
      <td class="number">{exact(s.points_24h ?? 0)}</td>
      <td class={s.drops_24h ? "number loss" : "number"}>{exact(s.drops_24h ?? 0)}</td>
      <td class={off ? "loss" : "quiet"}>{off || "right"}</td>
      <td class="quiet">{s.version}</td>
    </tr>
  );
}

/** The server's answer; null before the first, and where it has none. */
function useFleet(): Fleet | null {
  const [fleet, setFleet] = useState<Fleet | null>(null);
  useEffect(() => {
    let gone = false;
    const ask = () => json<Fleet>("fleet", {}).then((f) => gone || setFleet(f), () => {}); // an older sensor knows none
    void ask();
    const timer = setInterval(ask, every);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, []);
  return fleet;
}
