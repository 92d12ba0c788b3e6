// Runs inside the page that is measured: when was something on the canvas, and how
// long did frames take. The same for both programs.

/** Installed before the page's own scripts. isPainted tells when data is on the map. */
export function probe(kind) {
  let lastDrawing = 0, images = 0;
  for (const name of ["drawImage", "putImageData", "clearRect"]) {
    const own = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...args) {
      if (name === "putImageData") images++;
      lastDrawing = performance.now();
      return own.apply(this, args);
    };
  }
  /** After the next frame is painted: a message comes behind it. */
  const frame = () => new Promise((done) => requestAnimationFrame((start) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => done({ start, end: performance.now() });
    port2.postMessage(0);
  }));
  // simpleheat ends a layer with putImageData, and there are two layers.
  const isPainted = kind === "folium" ? () => images >= 2 : () => window.__packetheat?.ready;
  const bench = {
    painted: 0,
    /** Milliseconds from an action to the end of the last frame it made the page draw. */
    async step(act, changed = () => true) {
      const begin = performance.now();
      act();
      let end = begin, still = 0;
      do {
        const before = lastDrawing, f = await frame();
        if (lastDrawing > before || !changed() || end === begin) [end, still] = [f.end, 0];
        else still++;
      } while (still < 3 && end - begin < 30_000);
      return end - begin;
    },
    /** Frame times until stop() is called: their deltas in milliseconds. */
    frames() {
      const starts = [];
      let on = true;
      const next = (at) => (starts.push(at), on && requestAnimationFrame(next));
      requestAnimationFrame(next);
      bench.stop = () => ((on = false), starts.slice(1).map((t, i) => t - starts[i]));
    },
    frame,
  };
  window.__bench = bench;
  (async () => {
    while (!isPainted()) await new Promise(requestAnimationFrame);
    bench.painted = (await frame()).end;
  })();
}
