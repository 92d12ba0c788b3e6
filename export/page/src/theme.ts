// Which theme is shown: the choice, else the system's; print is always light.

import { computed, effect, signal } from "@preact/signals";
import type { Theme } from "./ramp";
import { theme as choice } from "./state";

const system = matchMedia("(prefers-color-scheme: light)");
const prefersLight = signal(system.matches);

/** Is the page being put on paper? It is light then, and shows its evidence. */
export const printing = signal(false);

export const theme = computed<Theme>(() => {
  if (printing.value) return "light";
  return choice.value === "auto" ? (prefersLight.value ? "light" : "dark") : choice.value;
});

export function follow(): void {
  system.addEventListener("change", () => (prefersLight.value = system.matches));
  addEventListener("beforeprint", () => (printing.value = true));
  addEventListener("afterprint", () => (printing.value = false));
  matchMedia("print").addEventListener("change", (e) => (printing.value = e.matches));
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
}
