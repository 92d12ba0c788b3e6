// What stands in a saved file as plain JSON: its Meta, there before the columns are unpacked.

import type { Meta } from "./codec";

/** The hash that a saved file was told to open with; the dashboard's page has none. */
export function opensWith(text = document.getElementById("packetheat-evidence")?.textContent ?? ""): string {
  try {
    const { state } = JSON.parse(text) as Partial<Meta>;
    return typeof state === "string" ? state : "";
  } catch {
    return "";
  }
}
