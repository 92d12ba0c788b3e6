// The table of make bench-page, its ratios, and the goals beside them.

const MB = 1e6;
/** What a step may take, ms, by rows. */
const step = { 10_000: 50, 100_000: 50, 1_000_000: 100 };
/** What is measured, how it reads, and the goal at 10 k, 100 k and 1 M rows. */
const lines = [
  { name: "bytes", label: "file, places", unit: (v) => `${(v / MB).toFixed(2)} MB`, goal: { 10_000: 0.6 * MB, 100_000: 1.2 * MB, 1_000_000: 4.5 * MB } },
  { name: "more", label: "  addresses more", unit: (v) => `${(v / MB).toFixed(2)} MB`, goal: { 10_000: MB, 100_000: MB, 1_000_000: MB } },
  { name: "painted", label: "painted", unit: (v) => `${v.toFixed(0)} ms`, ratio: { 10_000: 1, 100_000: 1, 1_000_000: 0.5 } },
  { name: "pan", label: "pan, longest frame", unit: (v) => `${v.toFixed(0)} ms`, goal: { 10_000: 40, 100_000: 40, 1_000_000: 40 } },
  { name: "panMedian", label: "pan, median frame", unit: (v) => `${v.toFixed(0)} ms` },
  { name: "layer", label: "a layer back on", unit: (v) => `${v.toFixed(0)} ms` },
  { name: "filter", label: "filter step", unit: (v) => `${v.toFixed(0)} ms`, goal: step },
  { name: "first", label: "  the first one", unit: (v) => `${v.toFixed(0)} ms`, goal: step },
  { name: "playback", label: "playback step", unit: (v) => `${v.toFixed(0)} ms`, goal: step },
  { name: "brush", label: "a brush moved", unit: (v) => `${v.toFixed(0)} ms` },
  { name: "heap", label: "heap", unit: (v) => `${(v / MB).toFixed(1)} MB`, ratio: { 1_000_000: 0.5 } },
];

const columns = [22, 12, 12, 8, 10, 8];
const row = (...cells) => cells.map((c, i) => (i ? String(c).padStart(columns[i]) : String(c).padEnd(columns[i]))).join("").trimEnd();

/** One line's verdict: met, missed, or nothing where there is no goal. */
function verdict(line, size, ours, folium) {
  const goal = line.goal?.[size], ratio = line.ratio?.[size];
  if (goal !== undefined) return [`≤ ${line.unit(goal)}`, ours <= goal ? "met" : "MISSED"];
  if (ratio !== undefined) return [`≤ ${ratio.toFixed(1)} ×`, ours <= ratio * folium ? "met" : "MISSED"];
  return ["", ""];
}

/** The whole table as text. empty is the gzipped size of the page without data. */
export function report(table, empty) {
  const out = [];
  for (const { rows, places, ours, folium } of table) {
    out.push(`${rows.toLocaleString("en")} rows from ${places.toLocaleString("en")} places`, row("", "Folium", "packetheat", "ratio", "goal", ""));
    const values = { ...ours, more: ours.addresses - ours.bytes };
    for (const line of lines) {
      const own = values[line.name], other = folium[line.name];
      out.push(row(line.label, other === undefined ? "–" : line.unit(other), line.unit(own), other ? (own / other).toFixed(2) : "–", ...verdict(line, rows, own, other)));
    }
    out.push("");
  }
  out.push(`page without data, gzipped: ${(empty / 1000).toFixed(0)} kB (goal ≤ 200 kB: ${empty <= 200_000 ? "met" : "MISSED"})`);
  return out.join("\n");
}
