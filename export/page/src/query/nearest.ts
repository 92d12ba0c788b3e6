// What was probably meant by a misspelt word: as package store's nearest.

/** The name that the fewest changes turn the word into: two at most, fewer than half of its letters. */
export function nearest(word: string, names: readonly string[]): string {
  const letters = [...word.toLowerCase()];
  let best = "", least = Math.min(2, Math.trunc((letters.length - 1) / 2));
  for (const name of names) {
    const d = distance(letters, [...name.toLowerCase()]);
    if (d <= least) (best = name), (least = d - 1);
  }
  return best;
}

/** Letters to insert, remove, replace, or swap with their neighbour (optimal string alignment). */
function distance(s: string[], t: string[]): number {
  let before: number[] = [], last: number[] = [], row = Array.from({ length: t.length + 1 }, (_, k) => k);
  for (let i = 0; i < s.length; i++) {
    [before, last, row] = [last, row, [i + 1]];
    for (let k = 0; k < t.length; k++) {
      row[k + 1] = Math.min(last[k + 1] + 1, row[k] + 1, last[k] + (s[i] === t[k] ? 0 : 1));
      if (i > 0 && k > 0 && s[i] === t[k - 1] && s[i - 1] === t[k]) row[k + 1] = Math.min(row[k + 1], before[k - 1] + 1);
    }
  }
  return row[t.length];
}
