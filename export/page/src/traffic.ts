// Chips that are terms of the filter: who opened connections, and which sensor saw
// them. The filter box shows what they do.

import { print, read, type Term } from "./query/language";

/** Who opened: anyone, they, we, or whoever got nothing back. */
export const openers = ["all", "them", "us", "unanswered"] as const;
export type Opener = (typeof openers)[number];

const isOpener = (t: Term) => t.key === "opened" && !t.not && t.values.length === 1;

/** The one that a filter asks for; null: something that the chips have no word for. */
export function openerOf(filter: string): Opener | null {
  const terms = read(filter).terms?.filter((t) => t.key === "opened") ?? [];
  if (terms.length === 0) return "all";
  if (terms.length > 1 || !isOpener(terms[0])) return null;
  return terms[0].unanswered ? "unanswered" : terms[0].dirs[0] === "in" ? "them" : "us";
}

/** A filter that asks for one of them in place of what it asked for. */
export function withOpener(filter: string, who: Opener): string {
  const kept = (read(filter).terms ?? []).filter((t) => t.key !== "opened");
  return [print(kept), who === "all" ? "" : `opened:${who}`].filter(Boolean).join(" ");
}
