// Filters as buttons change them: a term comes, goes, or is turned around. What
// cannot be read is left as it is typed.

import { print, read, type Term } from "./language";

/** Its terms; undefined where the text cannot be read. */
const terms = (text: string): Term[] | undefined => read(text).terms;
const one = (t: Term) => print([{ ...t, values: t.values.map((v) => v.toLowerCase()) }]);

/** Does a filter have all of these terms? */
export function has(filter: string, term: string): boolean {
  const all = new Set(terms(filter)?.map(one)), wanted = terms(term) ?? [];
  return wanted.length > 0 && wanted.every((t) => all.has(one(t)));
}

/** A filter without these terms. */
export function without(filter: string, term: string): string {
  const gone = new Set(terms(term)?.map(one)), all = terms(filter);
  return all ? print(all.filter((t) => !gone.has(one(t)))) : filter;
}

/** Narrows a filter to terms: others of the same key, which would contradict, make room. */
export function narrow(filter: string, term: string): string {
  const added = terms(term) ?? [], all = terms(filter) ?? [];
  const kept = all.filter((t) => t.not ? !added.some((a) => one(a) === one({ ...t, not: false })) : !added.some((a) => a.key === t.key));
  return print([...kept, ...added]);
}

/** Leaves something out; a term that asked for it goes. */
export function exclude(filter: string, term: string): string {
  const out = (terms(term) ?? []).map((t) => ({ ...t, not: true }));
  return print([...(terms(without(filter, term)) ?? []).filter((t) => !out.some((o) => one(o) === one(t))), ...out]);
}

/** Puts a term in, or takes it out. */
export function toggled(filter: string, term: string): string {
  return has(filter, term) ? without(filter, term) : narrow(filter, term);
}
