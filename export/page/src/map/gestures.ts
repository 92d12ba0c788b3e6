// What hands do to the map: d3-zoom reads mouse, wheel and fingers; a camera is
// what comes out. The point of the earth that was taken hold of stays under the
// finger, in each projection; a map that is let go of while it moves glides on.

import { pointers, select, type Selection } from "d3-selection";
import "d3-transition";
import { zoom, zoomIdentity, type D3ZoomEvent, type ZoomBehavior } from "d3-zoom";
import { deepest, worldScale, type Camera } from "../projection";

export interface Hands {
  camera(): Camera;
  /** Another view; resting when nothing moves any more. */
  look(camera: Camera): void;
  /** The map begins to move, and comes to rest. */
  started(): void;
  rested(): void;
}

/** Glides lose two thirds of their speed in so many milliseconds. */
const friction = 320;

/** Speeds in pixels a millisecond: below the first nothing glides, the second is the most. */
const slowest = 0.12, fastest = 4;

/** A hand that did not move for so many milliseconds before it let go throws nothing. */
const stillAfter = 60;

export function reducedMotion(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

type Canvas = Selection<HTMLCanvasElement, unknown, null, undefined>;

export class Gestures {
  private readonly behaviour: ZoomBehavior<HTMLCanvasElement, unknown>;
  private readonly selection: Canvas;
  private held: [number, number] | null = null; // the point of the earth under the pointer
  private at: [number, number] = [0, 0]; // the pointer
  private fingers = 0;
  private trail: { t: number; x: number; y: number }[] = [];
  private running = 0; // the frame of a glide or flight
  private busy = false;

  constructor(private readonly canvas: HTMLCanvasElement, private readonly hands: Hands) {
    this.behaviour = zoom<HTMLCanvasElement, unknown>()
      .on("start", (e: D3ZoomEvent<HTMLCanvasElement, unknown>) => this.start(e))
      .on("zoom", (e: D3ZoomEvent<HTMLCanvasElement, unknown>) => this.zoom(e))
      .on("end", (e: D3ZoomEvent<HTMLCanvasElement, unknown>) => this.end(e));
    this.selection = select(canvas).call(this.behaviour);
    canvas.addEventListener("pointerdown", () => this.stop());
  }

  /** Tells d3-zoom of a view that did not come from hands. */
  sync(c: Camera): void {
    const world = worldScale(c.kind, c.width, c.height);
    this.behaviour.extent([[0, 0], [c.width, c.height]]).scaleExtent([world, world * deepest]);
    this.selection.property("__zoom", zoomIdentity.scale(c.k));
  }

  /** Flies to a view. */
  fly(to: Camera, animate: boolean): void {
    this.stop();
    const from = this.hands.camera();
    if (!animate || reducedMotion() || from.kind !== to.kind || from.width !== to.width) return this.arrive(to);
    this.begin();
    const far = Math.hypot(to.lon - from.lon, to.lat - from.lat) * from.k / from.width, turn = to.lon - from.lon;
    const length = 250 + 250 * Math.min(1, far), began = performance.now(), dLon = turn - 2 * Math.PI * Math.round(turn / (2 * Math.PI));
    const step = (now: number) => {
      const t = Math.min(1, Math.max(0, (now - began) / length)), e = t * t * (3 - 2 * t);
      if (t === 1) return this.arrive(to);
      this.hands.look(from.at(from.lon + e * dLon, from.lat + e * (to.lat - from.lat), from.k * (to.k / from.k) ** e));
      this.running = requestAnimationFrame(step);
    };
    this.running = requestAnimationFrame(step);
  }

  /** Ends a glide or flight where it is. */
  stop(): void {
    if (!this.running) return;
    cancelAnimationFrame(this.running);
    this.running = 0;
    this.sync(this.hands.camera());
    this.rest();
  }

  private arrive(c: Camera): void {
    this.running = 0;
    this.hands.look(c);
    this.sync(c);
    this.rest();
  }

  private begin(): void {
    if (!this.busy) this.hands.started();
    this.busy = true;
  }

  private rest(): void {
    if (this.busy) this.hands.rested();
    this.busy = false;
  }

  /** Where the pointer, or the middle of the fingers, is. */
  private read(e: D3ZoomEvent<HTMLCanvasElement, unknown>): number {
    const source = e.sourceEvent as MouseEvent | TouchEvent | null;
    const all = source ? pointers(source, this.canvas) : [];
    if (all.length) this.at = [0, 1].map((i) => all.reduce((n, p) => n + p[i], 0) / all.length) as [number, number];
    return all.length;
  }

  private start(e: D3ZoomEvent<HTMLCanvasElement, unknown>): void {
    if (!e.sourceEvent) return;
    if (this.running) this.stop();
    this.fingers = this.read(e);
    this.take();
    this.trail = [];
    this.begin();
  }

  private take(): void {
    this.held = this.hands.camera().invert(...this.at);
  }

  private zoom(e: D3ZoomEvent<HTMLCanvasElement, unknown>): void {
    if (!e.sourceEvent) return;
    const camera = this.hands.camera(), before = this.at, fingers = this.read(e);
    // The wheel turns where the pointer is now; another finger is another hold.
    if (e.sourceEvent.type === "wheel" || (fingers && fingers !== this.fingers)) this.take();
    this.fingers = fingers || this.fingers;
    const { k } = e.transform;
    if (this.held) this.hands.look(camera.holding(this.held, ...this.at, k));
    else this.hands.look(camera.zoomed(k).panned(this.at[0] - before[0], this.at[1] - before[1]));
    if (!this.hands.camera().invert(...this.at)) this.take(); // slipped off the globe
    if (/mousemove|touchmove/.test(e.sourceEvent.type)) this.trail.push({ t: e.sourceEvent.timeStamp, x: this.at[0], y: this.at[1] });
  }

  private end(e: D3ZoomEvent<HTMLCanvasElement, unknown>): void {
    if (!e.sourceEvent) return;
    this.sync(this.hands.camera());
    if (!this.glide(e.sourceEvent.timeStamp)) this.rest();
  }

  /** Goes on as fast as the last tenth of a second went. */
  private glide(now: number): boolean {
    const last = this.trail.filter((p) => now - p.t < 100), a = last[0], b = last[last.length - 1];
    this.trail = [];
    if (!a || b.t - a.t < 8 || now - b.t > stillAfter || reducedMotion()) return false;
    let vx = (b.x - a.x) / (b.t - a.t), vy = (b.y - a.y) / (b.t - a.t);
    const speed = Math.hypot(vx, vy), f = Math.min(1, fastest / speed);
    if (speed < slowest) return false;
    vx *= f;
    vy *= f;
    let before = performance.now();
    const step = (t: number) => {
      const dt = Math.max(0, Math.min(60, t - before)), keep = Math.exp(-dt / friction);
      before = t;
      this.hands.look(this.hands.camera().panned(vx * friction * (1 - keep), vy * friction * (1 - keep)));
      vx *= keep;
      vy *= keep;
      if (Math.hypot(vx, vy) > 0.02) this.running = requestAnimationFrame(step);
      else this.stop();
    };
    this.running = requestAnimationFrame(step);
    return true;
  }
}
