// Questions to the sensor that serves this page, and its answers.

import { signal } from "@preact/signals";
import { decode, type Columns } from "./codec";
import { frames } from "./frames";

/** Where the API is: below the page, whatever path a reverse proxy gave it, with or without a slash at its end. */
export function under(pathname: string): string {
  return pathname.replace(/\/*$/, "/") + "api/v1/";
}

/** The address of a question, for the page's own requests and for links that the user opens. */
export function address(path: string, query: Record<string, string> = {}): string {
  const q = new URLSearchParams(query).toString();
  return under(location.pathname) + path + (q && "?" + q);
}

const columns = "application/vnd.packetheat.columns";
const gradually = columns + "-gradual";

/** The sensor answered, and said no. Network failures are TypeErrors, as fetch throws them. */
export class Refusal extends Error {
  constructor(message: string, readonly status: number) {
    super(message);
  }
  /** Is it worth asking the same again a little later? */
  get passing(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** The sensor does not know its visitor any more: only signing in helps. */
export const signedOut = signal(false);

const problem = "application/problem+json";

/** RFC 9457 problems carry a sentence; anything else its status. */
export async function refusal(r: Response): Promise<Refusal> {
  // A 401 of anybody else, a proxy for example, is not mended by our page of signing in.
  if (r.status === 401 && r.headers.get("Content-Type")?.startsWith(problem)) signedOut.value = true;
  const text = await r.json().then((p: { detail?: string; title?: string }) => p.detail ?? p.title, () => undefined);
  return new Refusal(text ?? `The sensor answered ${r.status}.`, r.status);
}

async function ask(path: string, query: Record<string, string>, accept: string, signal?: AbortSignal): Promise<Response> {
  const r = await fetch(address(path, query), { headers: { Accept: accept }, signal });
  if (!r.ok) throw await refusal(r);
  return r;
}

export async function json<T>(path: string, query: Record<string, string>): Promise<T> {
  return (await (await ask(path, query, "application/json")).json()) as T;
}

export async function cells(query: Record<string, string>, signal?: AbortSignal): Promise<Columns> {
  const r = await ask("cells", query, columns, signal);
  return decode(new Uint8Array(await r.arrayBuffer()));
}

/** Cells as far as they have been read, share by share; the last one is the whole. */
export async function* cellsGradually(query: Record<string, string>, signal: AbortSignal): AsyncGenerator<{ data: Columns; done: number }> {
  const r = await ask("cells", query, gradually, signal);
  for await (const f of frames(r.body!)) {
    if (f.kind === "e") throw new Refusal(new TextDecoder().decode(f.body), 500);
    yield { data: await decode(f.body), done: f.kind === "w" ? 1 : f.done };
    if (f.kind === "w") return;
  }
  throw new TypeError("the answer was cut");
}
