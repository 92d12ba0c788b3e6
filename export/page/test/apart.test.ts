// The two parts of the built file must meet again: one gives its names, the other is
// text until it is asked for, takes them and gives its own.
import { createContext, runInContext } from "node:vm";
import { expect, test } from "vitest";
import { first, second } from "../build/apart";

const one = 'let n=0;const one=1,plus=a=>(n++,a+one);const bring=()=>import("./more-A1$.js");export{plus as p,one};\n';
const two = 'import{p as e,one}from"./index-B2.js";const sum=e(41);function again(){return e(one)}export{sum as whole,again}\n';

/** As much of a browser as the parts need. */
function browser(more: string) {
  const text = { textContent: more }, scripts: { textContent: string }[] = [];
  const document = {
    createElement: () => ({ textContent: "" }),
    getElementById: (id: string) => (id === "packetheat-more" ? text : null),
    head: { append: (s: { textContent: string }) => void (scripts.push(s), runInContext(s.textContent, context)) },
  };
  const context = createContext({ document });
  return { context, scripts };
}

test("what is apart runs when it is asked for, with the names of the first part", async () => {
  const { context, scripts } = browser(second(two));
  runInContext(first(one, "more-A1$.js") + ";globalThis.bring=bring", context);
  expect(scripts).toHaveLength(0);
  const more = await runInContext("bring()", context) as { whole: number; again: () => number };
  expect([more.whole, more.again(), runInContext("n", context)]).toEqual([42, 2, 2]);
  expect(scripts).toHaveLength(1);
});

test("parts that cannot meet fail the build", () => {
  expect(() => first(one, "other.js")).toThrow("not asked for once");
  expect(() => first("const a = 1;", "other.js")).toThrow("its exports");
  expect(() => second('import * as all from"./index-B2.js";export{all}')).toThrow("left over");
});
