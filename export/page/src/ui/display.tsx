// How it is shown rather than what: the zone of times, and light or dark.

import { zone, theme as chosen } from "../state";
import { theme } from "../theme";
import "./display.css";

export function Display() {
  const dark = theme.value === "dark";
  return (
    <div class="display" role="group" aria-label="Display">
      <button type="button" class="chip" onClick={() => (zone.value = zone.value === "utc" ? "local" : "utc")} title="Show times in UTC or local time (u)">
        {zone.value === "utc" ? "UTC" : "local time"}
      </button>
      <button type="button" class="chip icon" onClick={() => (chosen.value = dark ? "light" : "dark")} aria-label={dark ? "Light theme" : "Dark theme"} title="Light or dark (t)">
        {dark ? "☀" : "☾"}
      </button>
    </div>
  );
}
