// Colours for everyone: contrast by WCAG 2.2, and what is left of differences for the
// three kinds of colour blindness, simulated at full strength by Machado, Oliveira and
// Fernandes (2009), as culori has them.
import { readFileSync } from "node:fs";
import { differenceCiede2000, filterDeficiencyDeuter, filterDeficiencyProt, filterDeficiencyTrit, interpolate, lab, parse, wcagContrast, type Color } from "culori";
import { describe, expect, test } from "vitest";
import { colours } from "../src/map/colours";
import { changeRamps, palettes, ramp, type Ramp, type Theme } from "../src/ramp";

const css = readFileSync(new URL("../src/style.css", import.meta.url), "utf8");

/** The custom properties of a theme. */
function tokens(theme: Theme): Record<string, string> {
  const block = (theme === "dark" ? /:root \{([^}]*)\}/ : /:root\[data-theme="light"\] \{([^}]*)\}/).exec(css)![1];
  return Object.fromEntries([...block.matchAll(/--([a-z-]+):\s*(#[0-9a-f]+)/gi)].map((m) => [m[1], m[2]]));
}

const eyes: Record<string, (c: Color) => Color> = {
  everyone: (c) => c, protanopia: filterDeficiencyProt(1) as (c: Color) => Color,
  deuteranopia: filterDeficiencyDeuter(1) as (c: Color) => Color, tritanopia: filterDeficiencyTrit(1) as (c: Color) => Color,
};
const themes: Theme[] = ["dark", "light"];
const everyEye = themes.flatMap((theme) => Object.keys(eyes).map((eye) => [theme, eye] as const));
const apart = differenceCiede2000();
const colour = (text: string) => parse(text)!;
const steps = (table: Ramp, n: number) => Array.from({ length: n }, (_, i) => {
  const at = 4 * Math.round((i * 255) / (n - 1));
  return { mode: "rgb" as const, r: table[at] / 255, g: table[at + 1] / 255, b: table[at + 2] / 255 };
});

describe.each(themes)("text on the %s theme", (theme) => {
  const t = tokens(theme), grounds = ["bg", "panel", "raised"];
  test.each(["text", "quiet", "accent", "loss"])("%s reads on every ground", (name) => {
    for (const ground of grounds) expect(wcagContrast(t[name], t[ground]), `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5);
  });
  test("what is on an accent reads", () => expect(wcagContrast(t["on-accent"], t.accent)).toBeGreaterThanOrEqual(4.5));
  test("a pressed chip reads", () => {
    const pressed = interpolate([t.panel, t.accent], "rgb")(0.17);
    expect(wcagContrast(t.text, pressed)).toBeGreaterThanOrEqual(4.5);
  });
  test.each(["in", "out", "accent", "loss"])("a bar or mark in %s is seen (3:1)", (name) => {
    for (const ground of ["bg", "panel"]) expect(wcagContrast(t[name], t[ground])).toBeGreaterThanOrEqual(3);
  });
  test("labels of the map read on land and sea, and through their halo", () => {
    const c = colours[theme];
    for (const label of [c.label, c.city]) for (const ground of [c.land, c.ocean, c.halo]) expect(wcagContrast(label, ground)).toBeGreaterThanOrEqual(4.5);
  });
});

describe.each(everyEye)("on the %s theme, to %s", (theme, eye) => {
  const see = eyes[eye];
  test.each(palettes)("more heat is always brighter, or always darker: %s", (palette) => {
    const light = steps(ramp(theme, palette), 64).map((c) => lab(see(c)).l), way = Math.sign(light.at(-1)! - light[0]);
    for (let i = 1; i < light.length; i++) expect(way * (light[i] - light[i - 1]), `step ${i}`).toBeGreaterThan(-0.35);
    expect(Math.abs(light.at(-1)! - light[0])).toBeGreaterThan(50);
  });
  test.each(palettes)("a tenfold of heat is another colour: %s", (palette) => {
    const six = steps(ramp(theme, palette), 7).map(see); // six decades
    for (let i = 1; i < six.length; i++) expect(apart(six[i], six[i - 1]), `decade ${i}`).toBeGreaterThan(4);
  });
  test("the weakest heat is not the land", () => expect(apart(see(steps(ramp(theme), 2)[0]), see(colour(colours[theme].land)))).toBeGreaterThan(10));
  test("more and less are two colours, and much of each another than little", () => {
    const { more, less } = changeRamps(theme), [a, b] = [more, less].map((r) => steps(r, 5).map(see));
    for (let i = 1; i < 4; i++) expect(apart(a[i], b[i]), `step ${i}`).toBeGreaterThan(10);
    for (const list of [a, b]) expect(apart(list[4], list[0])).toBeGreaterThan(25);
  });
  test("in and out are two colours", () => {
    const t = tokens(theme);
    expect(apart(see(colour(t.in)), see(colour(t.out)))).toBeGreaterThan(20);
  });
  test("the brush and a loss are not taken for each other", () => {
    const t = tokens(theme);
    expect(apart(see(colour(t.accent)), see(colour(t.loss)))).toBeGreaterThan(15);
  });
});
