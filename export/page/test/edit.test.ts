import { expect, test } from "vitest";
import { exclude, has, narrow, toggled, without } from "../src/query/edit";

test("a term comes and goes", () => {
  expect(toggled("country:DE", "port:443")).toBe("country:DE port:443");
  expect(toggled("country:DE port:443", "country:de")).toBe("port:443");
  expect(toggled('city:"New York"', 'city:"New York"')).toBe("");
  expect(has("proto:tcp  port:443 dir:in", "port:443 proto:tcp")).toBe(true);
  expect(has("port:443", "proto:tcp port:443")).toBe(false);
  expect(has("", "")).toBe(false);
});

test("narrowing makes room: two countries at once are nowhere", () => {
  expect(narrow("country:FR -port:53", "country:DE")).toBe("-port:53 country:DE");
  expect(narrow("-country:DE", "country:DE")).toBe("country:DE");
  expect(narrow("-country:FR", "country:DE")).toBe("-country:FR country:DE");
});

test("excluding takes back what asked for it", () => {
  expect(exclude("country:DE", "country:DE")).toBe("-country:DE");
  expect(exclude("-country:FR", "country:DE")).toBe("-country:FR -country:DE");
  expect(exclude("-country:DE", "country:DE")).toBe("-country:DE");
});

test("what cannot be read is left as it is typed", () => {
  expect(without("colour:red", "country:DE")).toBe("colour:red");
  expect(has("colour:red", "country:DE")).toBe(false);
});
