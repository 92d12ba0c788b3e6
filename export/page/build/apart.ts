// Keeps what import() asks for apart in the one file that the page is: as text, which
// the browser neither parses nor compiles until the page asks for it. That takes a tenth
// off the time until the map is there. (Without it the bundler wraps each module in a
// function of its own, and all of them are compiled at once.)
//
// The text becomes a script when it is asked for. The content security policy names it
// by its hash like the others, for its type is none of data: see saved.go.

import type { Plugin, Rolldown } from "vite";

/** Where the two parts meet: what the first gives to the second, and who waits for it. */
const given = "globalThis.__packetheat_given", taken = "globalThis.__packetheat_taken", id = "packetheat-more";

const ask = `new Promise(f=>{${taken}=f;const s=document.createElement("script");s.textContent=document.getElementById("${id}").textContent;document.head.append(s)})`;

/** "a as b,c" as pairs of names, both alike where there is one. */
const pairs = (list: string) => list.split(",").map((p) => p.trim().split(/\s+as\s+/)).map(([a, b = a]) => [a, b]);

/** The names behind the export at the end of a chunk, and the code before it. */
function exported(code: string): { body: string; names: string[][] } {
  const m = /export\s*\{([^}]*)\};?\s*$/.exec(code);
  if (!m) throw new Error("a chunk does not end with its exports");
  return { body: code.slice(0, m.index), names: pairs(m[1]) };
}

/** The first part: gives names instead of exporting them, and asks for the other by its text. */
export function first(code: string, other: string): string {
  const { body, names } = exported(code), name = other.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const asks = new RegExp("import\\([\"'`](?:\\./)?" + name + "[\"'`]\\)", "g");
  if ([...body.matchAll(asks)].length !== 1) throw new Error(`${other} is not asked for once`);
  return `${body.replace(asks, () => ask)};${given}={${names.map(([a, b]) => `${b}:${a}`).join(",")}};`;
}

/** The second: takes names instead of importing them, and tells of its own. */
export function second(code: string): string {
  const { body, names } = exported(code);
  const taking = body.replace(/import\s*\{([^}]*)\}\s*from\s*["'`][^"'`]+["'`];?/g, (_, list: string) => `const{${pairs(list).map(([a, b]) => `${a}:${b}`).join(",")}}=${given};`);
  if (/^\s*import\b[^(]/m.test(taking)) throw new Error("an import is left over");
  return `(()=>{"use strict";${taking};${taken}({${names.map(([a, b]) => `${b}:${a}`).join(",")}})})()`;
}

/** Text that no HTML parser takes for an end. */
const inert = (code: string) => code.replace(/<(\/script>|!--)/gi, "\\x3C$1");

/** Goes before the plugin that puts everything into one file. */
export function apart(): Plugin {
  return {
    name: "packetheat:apart",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const chunks = Object.values(bundle).filter((c): c is Rolldown.OutputChunk => c.type === "chunk"), [entry] = chunks.filter((c) => c.isEntry), rest = chunks.filter((c) => c !== entry);
        const page = bundle["index.html"];
        if (!entry || rest.length !== 1 || page?.type !== "asset") throw new Error(`the page is of ${chunks.length} chunks, not of two`);
        entry.code = first(entry.code, rest[0].fileName);
        page.source = String(page.source).replace("</body>", () => `<script type="text/plain" id="${id}">${inert(second(rest[0].code))}</script>\n</body>`);
        delete bundle[rest[0].fileName];
      },
    },
  };
}

/** Comes behind the same plugin, which asks for one chunk. */
export const inTwo = (): Plugin => ({ name: "packetheat:in-two", enforce: "post", outputOptions: (o) => ({ ...o, codeSplitting: true }) });
