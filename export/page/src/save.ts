// Hands files and texts to the user, without any network.

/** Saves a blob under a name, as a download. */
export function save(name: string, what: Blob): void {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(what);
  a.download = name;
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(a.href), 60_000); // the browser reads it after the click
}

/** Copies a text; resolves to whether it is in the clipboard. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text); // no clipboard for pages over plain HTTP from another machine
  }
}

function copyByHand(text: string): boolean {
  const box = document.createElement("textarea"), focused = document.activeElement as HTMLElement | null;
  box.value = text;
  box.className = "unseen";
  (document.querySelector("dialog[open]") ?? document.body).append(box); // outside of an open dialog nothing can be selected
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  focused?.focus();
  return done;
}

/** A name for a file of a view: whose traffic, from when, as files sort well. */
export function fileName(sensor: string, from: number, extension: string): string {
  const safe = sensor.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|-+$/g, "").slice(0, 60);
  return `${safe || "packetheat"}-${new Date(from).toISOString().slice(0, 16).replace(/:/g, "")}.${extension}`;
}
