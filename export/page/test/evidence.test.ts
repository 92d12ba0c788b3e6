import { expect, test } from "vitest";
import { opensWith } from "../src/evidence";

test("a saved file opens as it was told to, anything else with the defaults", () => {
  expect(opensWith('{"version":"v1","state":"unit=bytes&place=DE|Hesse"}')).toBe("unit=bytes&place=DE|Hesse");
  for (const text of ["", "<!--packetheat:evidence-->", "{}", '{"state":7}', "null", "[", '"state"']) expect(opensWith(text)).toBe("");
});
