// Runs inside the page that is measured: when was something on the canvas, and how
// long did frames take. The same for both programs.

/** Installed before the page's own scripts. isPainted tells when data is on the map. */
export function probe(kind) {
  let lastDrawing = 0, images = 0;
  for (const name of ["drawImage", "putImageData", "clearRect"]) {
    const own = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...args) {
      lastDrawing = performance.now();
      const done = own.apply(this, args);
      if (name === "putImageData" && ++images) queueMicrotask(() => look(false)); // it may be drawn between frames
      return done;
    };
  }
  /** After the next frame is painted: a message comes behind it. */
  const frame = () => new Promise((done) => requestAnimationFrame((start) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => done({ start, end: performance.now() });
    port2.postMessage(0);
  }));
  // simpleheat ends a layer with putImageData, and there are two layers.
  const isPainted = kind === "folium" ? () => images >= 2 : () => window.__packetheat?.painted;
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
  // Painted is the end of the frame that shows the data: the one they are drawn in, or the
  // next if they are drawn between frames. To ask for one more frame would count in
  // whatever a page does next, once its map is there.
  const own = window.requestAnimationFrame;
  let found = false;
  const look = (inFrame) => {
    if (found || !isPainted()) return;
    found = true;
    window.requestAnimationFrame = own;
    const ended = () => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => (bench.painted = performance.now());
      port2.postMessage(0);
    };
    if (inFrame) ended();
    else own(ended);
  };
  window.requestAnimationFrame = (draw) => own((at) => {
    draw(at);
    look(true);
  });
}
