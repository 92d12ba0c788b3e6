// A chip that opens a panel: a disclosure, closed by Escape, by a click elsewhere, and
// by leaving it with the keyboard.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import "./menu.css";

export function Menu({ label, title, mark, children }: { label: string; title: string; mark?: boolean; children: ComponentChildren }) {
  const [open, setOpen] = useState(false), box = useRef<HTMLDivElement>(null), button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (e: Event) => !box.current!.contains(e.target as Node) && setOpen(false);
    addEventListener("pointerdown", outside, true);
    addEventListener("focusin", outside);
    return () => {
      removeEventListener("pointerdown", outside, true);
      removeEventListener("focusin", outside);
    };
  }, [open]);
  const keys = (e: KeyboardEvent) => {
    if (e.key !== "Escape" || !open) return;
    e.stopPropagation();
    setOpen(false);
    button.current?.focus();
  };
  return (
    <div class="menu" ref={box} onKeyDown={keys}>
      <button type="button" class="chip" ref={button} data-menu={label} aria-expanded={open} aria-pressed={mark || undefined} title={title} onClick={() => setOpen(!open)}>{label} <span aria-hidden="true">▾</span></button>
      {open && <div class="menu-panel">{children}</div>}
    </div>
  );
}
