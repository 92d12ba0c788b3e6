import { expect, test } from "vitest";
import { openerOf, openers, withOpener } from "../src/traffic";

test("the chip of who opened is a term of the filter", () => {
  for (const who of openers) {
    const filter = withOpener('city:"New York" -opened:us opened:them', who);
    expect(openerOf(filter)).toBe(who);
    expect(filter.startsWith('city:"New York"')).toBe(true);
    expect(withOpener(filter, "all")).toBe('city:"New York"');
  }
  expect(withOpener("", "all")).toBe("");
});

test("what the chips have no word for presses none", () => {
  for (const filter of ["-opened:them", "opened:them,us", "opened:them opened:unanswered"]) expect(openerOf(filter)).toBeNull();
  expect(openerOf("colour:red")).toBe("all");
});
