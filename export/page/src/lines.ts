// Wraps text that is drawn rather than laid out.

/** Lines of at most a width, broken between pieces. */
export function lines(pieces: readonly string[], between: string, width: number, measure: (text: string) => number): string[] {
  const out: string[] = [];
  for (const piece of pieces) {
    const longer = out.length ? out[out.length - 1] + between + piece : "";
    if (longer && measure(longer) <= width) out[out.length - 1] = longer;
    else out.push(piece);
  }
  return out;
}
