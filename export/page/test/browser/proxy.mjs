// A reverse proxy as people put before a dashboard, which scenarios can cut.
import { createServer, request } from "node:http";

/**
 * Passes everything on to a server, given by its url or by a UNIX socket's path,
 * under a path prefix if there is one, as another path if change makes one. cut() breaks all connections and takes no new
 * ones to their end until mend().
 */
export async function proxy(to, { prefix = "/", change = (path) => path } = {}) {
  const where = to.startsWith("http") ? { host: new URL(to).hostname, port: new URL(to).port } : { socketPath: to };
  const open = new Set(), asked = [];
  let down = false;
  const server = createServer((q, r) => {
    asked.push(q.url);
    if (down) return void q.socket.destroy();
    if (!q.url.startsWith(prefix)) return void r.writeHead(404).end();
    const path = change("/" + q.url.slice(prefix.length));
    const on = request({ ...where, method: q.method, path, headers: { ...q.headers, host: where.port ? `${where.host}:${where.port}` : "127.0.0.1" } }, (a) => {
      r.writeHead(a.statusCode, a.headers);
      r.flushHeaders();
      a.pipe(r);
      a.on("error", () => r.destroy());
    });
    on.on("error", () => r.destroy());
    r.on("close", () => on.destroy());
    q.pipe(on);
  });
  server.on("connection", (s) => {
    open.add(s);
    s.on("close", () => open.delete(s));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}${prefix}`,
    /** The paths that were asked for, in order. */
    asked,
    cut() {
      down = true;
      for (const s of open) s.destroy();
    },
    mend() {
      down = false;
    },
    async close() {
      for (const s of open) s.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
