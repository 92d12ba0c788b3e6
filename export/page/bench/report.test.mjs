import { expect, test } from "vitest";
import { report } from "./report.mjs";

const ours = { bytes: 500_000, addresses: 1_700_000, painted: 400, pan: 35, panMedian: 17, layer: 20, filter: 90, first: 95, brush: 60, playback: 20, heap: 60e6 };
const folium = { bytes: 400_000, painted: 500, pan: 180, panMedian: 20, layer: 30, heap: 148e6 };

test("goals are held against values, ratios against Folium", () => {
  const text = report([{ rows: 10_000, places: 646, ours, folium }, { rows: 1_000_000, places: 6046, ours, folium }], 210_000);
  const [small, big] = text.split("\n\n");
  expect(small).toMatch(/^10,000 rows from 646 places\n/);
  const line = (block, label) => block.split("\n").find((l) => l.startsWith(label));
  expect(line(small, "file, places")).toMatch(/0\.40 MB\s+0\.50 MB\s+1\.25\s+≤ 0\.60 MB\s+met$/);
  expect(line(small, "  addresses more")).toMatch(/–\s+1\.20 MB\s+–\s+≤ 1\.00 MB\s+MISSED$/);
  expect(line(small, "painted")).toMatch(/0\.80\s+≤ 1\.0 ×\s+met$/);
  expect(line(big, "painted")).toMatch(/≤ 0\.5 ×\s+MISSED$/);
  expect(line(small, "filter step")).toMatch(/90 ms\s+–\s+≤ 50 ms\s+MISSED$/);
  expect(line(big, "filter step")).toMatch(/≤ 100 ms\s+met$/);
  expect(line(big, "heap")).toMatch(/0\.41\s+≤ 0\.5 ×\s+met$/);
  expect(line(small, "heap")).toMatch(/0\.41$/); // no goal at that size
  expect(text).toMatch(/210 kB \(goal ≤ 200 kB: MISSED\)$/);
});
