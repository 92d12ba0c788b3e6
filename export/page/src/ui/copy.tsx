// A button that copies a text, and says whether it did.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { copy } from "../save";

export function Copy({ text, children }: { text: string | (() => string); children: ComponentChildren }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    const id = said ? setTimeout(() => setSaid(""), 2500) : 0;
    return () => clearTimeout(id);
  }, [said]);
  const run = () => void copy(typeof text === "string" ? text : text()).then((done) => setSaid(done ? "Copied" : "The browser does not allow it"));
  return (
    <>
      <button type="button" class="chip" onClick={run}>{said || children}</button>
      <span class="unseen" aria-live="polite">{said}</span>
    </>
  );
}
