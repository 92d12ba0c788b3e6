// A sheet over the page. The browser's own dialog: it holds the focus, gives it back,
// closes with Escape, and tells screen readers what it is.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import "./dialog.css";

interface Props { title: string; kind: string; close: () => void; children: ComponentChildren }

export function Dialog({ title, kind, close, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null), id = `${kind}-title`;
  useEffect(() => {
    const dialog = ref.current!;
    dialog.showModal();
    return () => dialog.close(); // gives the focus back
  }, []);
  return (
    <dialog class={`sheet ${kind}`} ref={ref} aria-labelledby={id} onClose={close} onClick={(e) => e.target === e.currentTarget && close()} onKeyDown={(e) => e.stopPropagation()}>
      <div class="sheet-body">
        <header class="sheet-head">
          <h2 id={id}>{title}</h2>
          <button type="button" class="chip icon" onClick={close} aria-label="Close" title="Close (Esc)">✕</button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
