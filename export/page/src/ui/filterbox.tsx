// The filter box: a combobox after the ARIA authoring practices (editable, list
// autocomplete, manual selection), with what is wrong told in place.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../filter";
import { trouble } from "../live";
import { dataset, live, question } from "../model";
import { accept, advice, complete, mended, type Option } from "../query/complete";
import { read, type Mistake } from "../query/language";
import { portOf } from "../services";
import * as s from "../state";
import { countries, labels, vocabulary } from "../vocabulary";
import "./filterbox.css";

/** What stands in the box and cannot be applied; null: what is there is applied. */
const draft = signal<{ text: string; mistake: Mistake } | null>(null);

/** Applies a filter; one that cannot be answered stays in the box, and the map as it is. */
export function apply(text: string): void {
  text = text.trim();
  const mistake = wrong(text);
  draft.value = mistake ? { text, mistake } : null;
  if (!mistake) s.filter.value = text;
}

/** The mistake in a text, with the page's own proposals. */
function wrong(text: string): Mistake | undefined {
  const { mistake } = read(text, live.value ? labels() : undefined);
  const m = mistake ?? (!live.value && dataset.value && text ? ask(dataset.value, text).mistake : undefined);
  if (!m || m.fix) return m;
  const port = /(^|[\s,:])-?port:\S*$/i.test(text.slice(0, m.start)) ? portOf(text.slice(m.start, m.end).toLowerCase()) : undefined;
  return port ? { ...m, fix: String(port) } : m;
}

export function FilterBox() {
  const input = useRef<HTMLInputElement>(null);
  const [options, setOptions] = useState<Option[]>([]), [active, setActive] = useState(-1), [filled, setFilled] = useState(s.filter.value !== "");
  const close = () => (setOptions([]), setActive(-1));
  const put = (text: string, caret = text.length) => {
    input.current!.value = text;
    input.current!.setSelectionRange(caret, caret);
    setFilled(text !== "");
  };
  useEffect(() => {
    draft.value = null;
    if (input.current && document.activeElement !== input.current) put(s.filter.value);
    else if (input.current && read(input.current.value).terms && s.filter.value !== input.current.value.trim()) put(s.filter.value);
  }, [s.filter.value]);
  useEffect(() => {
    document.getElementById(`filter-option-${active}`)?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const propose = () => {
    const { value, selectionStart } = input.current!;
    setFilled(value !== "");
    setOptions(complete(value, selectionStart ?? value.length, vocabulary()));
    setActive(-1);
  };
  const choose = (o: Option) => {
    const { text, caret } = accept(input.current!.value, o);
    put(text, caret);
    if (!o.whole) return propose();
    close();
    apply(text);
  };
  const keys = (e: KeyboardEvent) => {
    const n = options.length;
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      if (n === 0) return propose();
      const step = e.key === "ArrowDown" ? 1 : -1;
      setActive(active < 0 ? (step > 0 ? 0 : n - 1) : active + step >= n || active + step < 0 ? -1 : active + step);
    } else if (e.key === "Enter" && active >= 0) {
      e.preventDefault();
      choose(options[active]);
    } else if (e.key === "Escape") {
      e.preventDefault(); // the browser would empty the box
      if (n === 0 && !draft.value && input.current!.value.trim() === s.filter.value) return; // the page leaves the box
      e.stopPropagation();
      if (n > 0) return close();
      draft.value = null;
      put(s.filter.value);
    }
  };
  const submit = () => (close(), apply(input.current!.value));
  const invalid = draft.value !== null || question.value.error !== undefined || trouble.value !== "";
  return (
    <form class="filter" role="search" onSubmit={(e) => { e.preventDefault(); submit(); }}>
      <input
        ref={input} id="filter" type="search" spellcheck={false} autocomplete="off" autocapitalize="off" aria-label="Filter" defaultValue={s.filter.value}
        role="combobox" list={undefined} aria-autocomplete="list" aria-expanded={options.length > 0} aria-controls="filter-options" aria-activedescendant={active >= 0 ? `filter-option-${active}` : undefined}
        aria-invalid={invalid} aria-describedby={invalid ? "filter-mistake" : undefined}
        placeholder="Filter: country, city, port …"
        onInput={propose} onClick={() => options.length === 0 && input.current!.value === "" && propose()} onKeyDown={keys} onBlur={submit}
      />
      {filled && <button type="button" class="wipe" aria-label="Clear the filter" title="Clear the filter" onMouseDown={(e) => e.preventDefault()} onClick={() => { put(""); submit(); }}>✕</button>}
      <ul class="options" id="filter-options" role="listbox" aria-label="Proposals" hidden={options.length === 0}>
        {options.map((o, i) => (
          <li key={o.insert} id={`filter-option-${i}`} role="option" aria-selected={i === active} onMouseDown={(e) => e.preventDefault()} onClick={() => choose(o)}>
            <span class="label">{o.label}</span><span class="note">{o.note}</span>
          </li>
        ))}
      </ul>
    </form>
  );
}

/** What is wrong with the filter: where, why, and what to write instead. */
export function Mistakes() {
  const asked = s.filter.value, text = draft.value?.text ?? asked, q = question.value, [advised, setAdvised] = useState<{ of: string; mistake: Mistake }>();
  useEffect(() => { // the map goes first
    const mistake = asked ? advise(asked) : undefined;
    if (mistake) setAdvised({ of: asked, mistake });
  }, [asked]);
  const m = draft.value?.mistake ?? q.mistake ?? (advised?.of === asked ? advised.mistake : undefined);
  if (m) return <Marked text={text} mistake={m} />;
  if (trouble.value) return <p class="mistake" id="filter-mistake" role="alert"><span class="why">{trouble.value}</span></p>;
  const brushed = q.details && s.brush.value ? "Of these, the file knows the whole window only; for a part of it ask the sensor." : "";
  const note = [q.note, brushed].filter(Boolean).join(" ");
  return note ? <p class="mistake note-line" role="status"><span class="why">{note}</span></p> : null;
}

function advise(text: string): Mistake | undefined {
  const { terms } = read(text);
  return terms && advice(terms, text, () => countries(null));
}

function Marked({ text, mistake: m }: { text: string; mistake: Mistake }) {
  const empty = m.start === m.end;
  return (
    <p class="mistake" id="filter-mistake" role="alert">
      <span class="why">{m.text}</span>
      <code aria-hidden="true">{text.slice(0, m.start)}<mark class={empty ? "gap" : ""}>{text.slice(m.start, m.end)}</mark>{text.slice(m.end)}</code>
      {m.fix && <button type="button" class="chip" onClick={() => apply(mended(text, m))}>Use {m.fix}</button>}
    </p>
  );
}
