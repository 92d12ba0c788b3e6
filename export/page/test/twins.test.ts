import { describe, expect, test } from "vitest";
import { toldApart } from "../src/twins";

const at = (label: string, note: string, place?: string) => ({ label, note, place });

describe("places of the same name", () => {
  test("have their regions", () =>
    expect(toldApart([at("Springfield", "United States", "39.8,-89.6|US|Illinois|Springfield"), at("Springfield", "United States", "42.1,-72.5|US|Massachusetts|Springfield")]).map((i) => i.note))
      .toEqual(["Illinois · United States", "Massachusetts · United States"]));

  test("in one region have their coordinates", () =>
    expect(toldApart([at("Chiyoda City", "Japan", "35.6937,139.7536|JP|Tokyo|Chiyoda City"), at("Chiyoda City", "Japan", "35.6762,139.6503|JP|Tokyo|Chiyoda City"), at("Chiyoda City", "Japan", "36.2,139.4|JP|Gunma|Chiyoda City")]).map((i) => i.note))
      .toEqual(["35.69, 139.75 · JP", "35.68, 139.65 · JP", "Gunma · Japan"]));

  test("in two countries, or alone, stay as they are", () => {
    const list = [at("London", "United Kingdom", "51.5,-0.1|GB|England|London"), at("London", "Canada", "43,-81|CA|Ontario|London"), at("Not located", "no place known for these addresses")];
    expect(toldApart(list)).toEqual(list);
  });

  test("a region is not said twice", () =>
    expect(toldApart([at("Tokyo", "Japan", "35.6,139.7|JP|Tokyo|Tokyo"), at("Tokyo", "Japan", "36,139|JP|Saitama|Tokyo")]).map((i) => i.note)).toEqual(["Japan", "Saitama · Japan"]));
});
