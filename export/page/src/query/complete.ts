// What could be meant by a filter that is being typed: keys, and values that the
// data has. Pure: the box shows it, model-reading is in vocabulary.ts.

import { keys, quote, split, type Key, type Mistake, type Term } from "./language";
import { parseNet } from "./nets";
import { protocolWords } from "./protocols";

/** A value of a key, and what people call it. */
export interface Value { value: string; name?: string }

/** Values that may be asked for, the biggest first. */
export type Vocabulary = (key: Key) => readonly Value[];

/** Something to put in place of a part of the text. */
export interface Option {
  insert: string;
  start: number;
  end: number;
  label: string;
  note: string;
  whole: boolean; // a term is complete with it
}

/** What each key asks about. */
export const meanings: Record<Key, string> = {
  country: "two letters: DE, FR", city: "by its English name", region: "by its English name", asn: "network, by AS number", ip: "address on the map, or a network",
  peer: "the other end, usually ours", host: "either end", port: "service port: 443, 1-1024", proto: "tcp, udp, icmp, or a number", dir: "in or out", opened: "who opened it: them, us, unanswered",
  label: "of an address or network", sensor: "by its name", place: "latitude,longitude",
};

const order = Object.keys(meanings) as Key[];
const most = 9;

/** Options for the word at the caret, the best first. */
export function complete(text: string, caret: number, words: Vocabulary): Option[] {
  const word = split({ text, start: 0, end: text.length }, " \t\n", true).parts.find((p) => p.start <= caret && caret <= p.end) ?? { text: "", start: caret, end: caret };
  const typed = text.slice(word.start, caret), not = typed.startsWith("-") ? 1 : 0;
  const colon = typed.indexOf(":"), key = keys.find((k) => k === typed.slice(not, colon).toLowerCase());
  if (colon >= 0 && key) return values(key, { text: typed.slice(colon + 1), start: word.start + colon + 1, end: caret }, word.end, words);
  return anything(typed.slice(not), word.start + not, word.end, words);
}

/** Values behind a key, or behind the last comma. */
function values(key: Key, p: { text: string; start: number; end: number }, end: number, words: Vocabulary): Option[] {
  const { parts } = split(p, ",", false), last = parts[parts.length - 1];
  if (key === "place") return [];
  return ranked(last.text, vocabulary(key, words)).slice(0, most).map((v) => ({ insert: quote(v.value), start: last.start, end, label: v.name ?? v.value, note: v.name ? v.value : "", whole: true }));
}

/** A word without a key: the keys that it begins, and values that it names. */
function anything(typed: string, start: number, end: number, words: Vocabulary): Option[] {
  const low = typed.toLowerCase();
  const out: Option[] = order.filter((k) => k.startsWith(low)).map((k) => ({ insert: k + ":", start, end, label: k + ":", note: meanings[k], whole: false }));
  if (typed.length < 2) return out;
  const term = (k: Key, v: Value): Option => ({ insert: `${k}:${quote(v.value)}`, start, end, label: v.name ?? v.value, note: `${k}:${quote(v.value)}`, whole: true });
  if (parseNet(typed)) out.push(...(["ip", "peer", "host"] as Key[]).map((k) => term(k, { value: typed })));
  const bare = typed.replaceAll('"', "");
  for (const k of ["country", "city", "asn", "port", "label", "region", "proto"] as Key[]) out.push(...ranked(bare, vocabulary(k, words)).slice(0, 3).map((v) => term(k, v)));
  return out.slice(0, most);
}

function vocabulary(key: Key, words: Vocabulary): readonly Value[] {
  switch (key) {
    case "proto": return protocolWords.map((value) => ({ value }));
    case "dir": return [{ value: "in", name: "in: it came from there" }, { value: "out", name: "out: it went there" }];
    case "opened": return [{ value: "them", name: "they opened the connection" }, { value: "us", name: "we opened the connection" }, { value: "unanswered", name: "nothing came back" }];
    case "peer": case "host": case "ip": return words(key);
    default: return words(key);
  }
}

/** Those that fit by their beginning, then by a word's; where none does, by what is inside. */
export function ranked(typed: string, list: readonly Value[]): Value[] {
  const low = typed.toLowerCase(), ranks: Value[][] = [[], [], []];
  for (const v of list) {
    const value = v.value.toLowerCase(), name = (v.name ?? "").toLowerCase();
    const rank = value.startsWith(low) || name.startsWith(low) ? 0 : ` ${name}`.includes(" " + low) || ` ${value}`.includes(" " + low) ? 1 : low.length > 2 && (name.includes(low) || value.includes(low)) ? 2 : 3;
    if (rank < 3) ranks[rank].push(v);
    if (ranks[0].length > 200) break;
  }
  const [first, second, inside] = ranks;
  return first.length + second.length ? [...first, ...second] : inside;
}

/** Puts an option into the text. */
export function accept(text: string, o: Option): { text: string; caret: number } {
  return { text: text.slice(0, o.start) + o.insert + text.slice(o.end), caret: o.start + o.insert.length };
}

/** The text with a mistake mended. */
export function mended(text: string, m: Mistake): string {
  return text.slice(0, m.start) + m.fix + text.slice(m.end);
}

/** Things that are no mistakes to the sensor, but can never match: names where codes are due. To name all countries takes a browser 20 ms, so they are asked for late. */
export function advice(terms: readonly Term[], text: string, countries: () => readonly Value[]): Mistake | undefined {
  for (const t of terms) {
    if (t.key !== "country") continue;
    const name = t.values.find((v) => !/^[a-z]{2}$/i.test(v));
    const at = name === undefined ? -1 : text.indexOf(quote(name), t.start);
    if (name === undefined || at < 0) continue;
    const code = countries().find((c) => c.name?.toLowerCase() === name.toLowerCase())?.value ?? "";
    return { text: `“${name}” is no country code, so nothing matches: write two letters, for example country:DE`, start: at, end: at + quote(name).length, fix: code };
  }
  return undefined;
}
