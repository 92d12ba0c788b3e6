// Puts text into the clipboard, wherever the page is from: pages over plain HTTP have
// no clipboard of their own, but a selection can be copied.

/** Resolves to whether it worked. */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard) {
    const done = await navigator.clipboard.writeText(text).then(() => true, () => false);
    if (done) return true;
  }
  return copySelection(text);
}

function copySelection(text: string): boolean {
  const box = document.createElement("textarea"), before = document.activeElement as HTMLElement | null;
  box.value = text;
  box.className = "unseen";
  document.body.append(box);
  box.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    box.remove();
    before?.focus({ preventScroll: true });
  }
}
