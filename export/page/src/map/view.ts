// The map on its canvas: owns the view, draws frames, answers what is under the
// pointer. It knows nothing of signals; map.tsx ties it to them.

import type { Dataset } from "../dataset";
import { sigmaFor } from "../heat";
import { Camera, rad, worldScale, type Box, type Kind } from "../projection";
import { changeRamps, ramp, type Palette, type Theme } from "../ramp";
import type { Scale } from "../scale";
import { heaviest } from "../sums";
import type { World } from "../world";
import { Arcs } from "./arcs";
import { colourChange } from "./change";
import { colours } from "./colours";
import { extent, homeOf, ScaleFinder, turned } from "./fitting";
import type { Gestures, Hands } from "./gestures";
import { direct, drawEdge, Ground } from "./ground";
import type { Split } from "./halves";
import { HeatLayer } from "./heatlayer";
import type { Rect } from "./labels";
import type { Listener, Mode } from "./listener";
import { drawMarks } from "./marks";
import { Names, type Moment } from "./names";
import { described, glowing, inside, nearest } from "./picking";
import { drawHollow, drawHome, drawLabels, sheet } from "./paint";
import { hollow, none, Spots } from "./spots";
import { drawTint, ringed, tinted } from "./tint";

/** With so few places in sight each gets a mark to click. */
const markersUpTo = 500;

/** Names come so many milliseconds after the first picture, unless the legend has found its corner before. */
const namesAfter = 250;

/** What names must know of the layers under them. */
type Drawn = Pick<Moment, "seen" | "marked" | "bare" | "discs">;

export class MapView {
  camera = new Camera("equal-earth", 0, 0, 1, 0, 0);
  scale: Scale | null = null;
  markers = false;
  hollow = false; // is anything known to its country only?
  anycast = false; // and in no one place at all?
  readonly spots = new Spots();
  readonly names = new Names();
  /** Parts of the map that other things cover: no label goes there. */
  covered: Rect[] = [];
  /** Has a frame been drawn that shows data? For who measures. */
  painted = false;
  /** Has one with names? */
  complete = false;
  /** Milliseconds that the last frames took, likewise. */
  took: number[] = [];

  private world?: World;
  private data?: Dataset;
  private weights: Float64Array = new Float64Array(0);
  private readonly finder = new ScaleFinder();
  private over = this.weights; // what the scale is fitted to
  private nowhere: ReadonlySet<number> = new Set(); // places with anycast addresses
  split: Split | null = null;
  rate = 1;
  private signed: Float64Array | null = null;
  private locked: Scale | null = null;
  private theme: Theme = "dark";
  private palette: Palette = "auto";
  private readonly arcs = new Arcs();
  private readonly heat = new HeatLayer();
  private readonly ground = new Ground(() => this.schedule());
  private gestures: Gestures | null = null;
  private frame = 0;
  private drawn: Drawn | null = null; // what the canvas shows, while that is right
  private fitted = true; // the view follows the data until the user moves it
  private moving = false;
  private before = this.camera; // when it began to move
  private byHand = false;
  private warm = false; // the heat is that of the view, and crisp
  private around: Box | null = null;
  private boxed = 0; // rows that findBox has seen
  order: Uint32Array = new Uint32Array(0); // places by weight, heaviest first

  constructor(private readonly canvas: HTMLCanvasElement, private readonly listener: Listener) {
    canvas.addEventListener("pointerdown", () => (this.byHand = true));
    canvas.addEventListener("wheel", () => (this.byHand = true), { passive: true });
  }

  /** Lets hands move the map. Until then it can be looked at. */
  handTo(make: (canvas: HTMLCanvasElement, hands: Hands) => Gestures): void {
    this.gestures = make(this.canvas, { camera: () => this.camera, look: (c) => this.show(c), started: () => this.start(), rested: () => this.rest() });
    this.gestures.sync(this.camera);
  }

  /** Can hands move it by now? */
  get handed(): boolean { return this.gestures !== null; }
  get width(): number { return this.camera.width; }
  get height(): number { return this.camera.height; }
  get mode(): Mode { return this.signed ? "change" : this.split ? "direction" : "volume"; }
  /** What a place weighs now: signed where change is shown. */
  get shown(): Float64Array { return this.signed ?? this.weights; }

  setWorld(w: World): void {
    this.world = w;
    if (this.data) this.spots.update(this.data, w);
    this.findBox();
    if (this.fitted && this.width) this.home();
    this.sort();
    this.weigh();
  }

  setTheme(t: Theme, palette: Palette = this.palette): void {
    this.theme = t;
    this.palette = palette;
    this.cool();
  }

  /** The scale is that of over: over a playback, the most that any step has of each place. */
  setData(d: Dataset, weights: Float64Array, over = weights): void {
    const first = this.data !== d;
    if (first) this.spots.clear();
    this.data = d;
    this.weights = weights;
    this.over = over;
    this.arcs.forget();
    if (this.world) this.spots.update(d, this.world);
    if (first || d.rows.n !== this.boxed) this.findBox();
    // What matches nothing leaves the view as it is: there is nowhere to go.
    if (first && this.fitted && this.width && (this.around || !this.finder.used)) this.home();
    this.sort();
    this.weigh();
  }

  /** Places whose addresses answer from many places at once. */
  setNowhere(places: ReadonlySet<number>): void {
    if (places.size === 0 && this.nowhere.size === 0) return;
    this.nowhere = places;
    this.sort();
    this.cool();
  }

  /** In and out of each place, for direction mode, and what they are to be multiplied by; null ends it. */
  setSplit(split: Split | null, rate = 1): void {
    if (!split && !this.split) return; // every step of a playback says so
    this.split = split;
    this.rate = rate;
    this.weigh();
  }

  /** What each place gained or lost, for change mode; null ends it. Goes before direction mode. */
  setChange(signed: Float64Array | null): void {
    this.signed = signed;
    if (this.data && this.world) this.spots.update(this.data, this.world); // what is gone now may only be in the other answer
    this.sort();
    this.weigh();
  }

  /** A scale that stays, whatever the data; null lets it follow. */
  lock(scale: Scale | null): void {
    this.locked = scale;
    this.weigh();
  }

  setArcs(wanted: boolean): void {
    this.arcs.wanted = wanted;
    this.arcs.forget();
    this.schedule();
  }

  /** Another projection, of about what is seen now. */
  setKind(kind: Kind): void {
    const { camera } = this;
    if (kind === camera.kind) return;
    this.names.forget();
    this.camera = turned(camera, kind);
    if (this.fitted) this.home();
    else {
      this.fly(this.camera, false);
      this.listener.moved(this.centre()); // the same zoom is another number
    }
  }

  resize(width: number, height: number): void {
    if (width === this.width && height === this.height) return;
    const was = this.width ? this.centre() : null;
    this.camera = new Camera(this.camera.kind, this.camera.lon, this.camera.lat, this.camera.k, width, height);
    const density = Math.min(3, devicePixelRatio || 1);
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(height * density);
    if (this.fitted || !was) this.home();
    else this.look(was.lat, was.lon, was.zoom);
    this.weigh();
  }

  /** Shows where the data is. */
  home(animate = false): void {
    this.fitted = true;
    this.fly(this.homeView(), animate);
  }

  /** Shows a centre (degrees) at a zoom, 1 being the whole world. */
  look(lat: number, lon: number, zoomed: number, animate = false): void {
    this.fitted = false;
    this.fly(this.camera.at(lon * rad, lat * rad, worldScale(this.camera.kind, this.width, this.height) * zoomed), animate);
  }

  centre(): { lat: number; lon: number; zoom: number } { return { lat: this.camera.lat / rad, lon: this.camera.lon / rad, zoom: this.camera.zoom }; }

  zoomBy(factor: number): void {
    this.byHand = true;
    this.fly(this.camera.zoomed(this.camera.k * factor), true);
  }

  panBy(dx: number, dy: number): void {
    this.byHand = true;
    this.fly(this.camera.panned(dx, dy), true);
  }

  /** The pixel of a place; null where it cannot be seen. */
  pixel(i: number): [number, number] | null {
    if (i < 0 || i >= this.spots.n || this.spots.how[i] === none || !(this.spots.x[i] > -1e4)) return null;
    return [this.spots.x[i], this.spots.y[i]];
  }

  /** The place under a pixel: the heaviest within reach, with nearer ones preferred; else the country that is tinted there. */
  pick(x: number, y: number, reach = 14): number {
    const best = nearest(this.spots, this.order, this.shown, this.markers, x, y, reach);
    if (best >= 0 || !this.world || !this.data || !this.hollow) return best;
    const at = this.camera.invert(x, y);
    return at ? tinted(this.world, this.data.places, this.order, this.spots, at) : -1;
  }

  /** The places on the screen by weight, for who goes through them by key. */
  inSight(): number[] { return inside(this.spots, this.order, { x: -8, y: -8, w: this.width + 16, h: this.height + 16 }); }

  /** How much of a rectangle has data under it, 0 being none. */
  busy(r: Rect): number {
    const marks = inside(this.spots, this.order, r), discs = this.mode === "direction";
    return (discs ? 0 : glowing(this.heat, r, (this.scale?.low ?? 1) / 4)) + (discs || this.markers ? marks : marks.filter((i) => this.spots.how[i] === hollow)).length;
  }

  /** The kilometres of two standard deviations of the heat at the middle of the screen. */
  reachKm(): number { return (2 * sigmaFor(this.width)) / this.camera.perKm; }

  /** The map as it is shown, drawn at so many pixels a CSS pixel. */
  snapshot(density: number): HTMLCanvasElement {
    const ctx = sheet(this.width, this.height, density), out = ctx.canvas;
    if (!this.world || !this.width || !this.height) return out;
    this.refresh();
    this.drawNames(ctx, this.drawLayers(ctx, density, this.inSight(), true));
    return out;
  }

  /** Names are placed anew: what covers the map has moved. */
  relabel(): void {
    this.names.forget();
    if (!this.complete) this.draws();
    else this.schedule();
  }

  schedule(): void {
    this.drawn = null;
    this.draws();
  }

  /** Draws at once what is due: the data are there, and waiting for a frame would only make them later. */
  now(): void {
    if (!this.frame) return;
    cancelAnimationFrame(this.frame);
    this.draw();
  }

  private draws(): void { this.frame ||= requestAnimationFrame(() => this.draw()); }

  /** What a screen reader hears of the map. */
  describe(): string { return described(this.data?.places, this.order); }

  private fly(to: Camera, animate: boolean): void {
    if (this.gestures) this.gestures.fly(to, animate);
    else this.show(to);
  }

  private show(c: Camera): void {
    this.camera = c;
    this.cool();
  }

  /** What is on the screen is no longer right. */
  private cool(): void {
    this.warm = false;
    this.schedule();
  }

  private start(): void {
    this.moving = true;
    this.before = this.camera;
  }

  /** The view stands still: everything is drawn for it, crisply. */
  private rest(): void {
    this.moving = false;
    const { byHand } = this;
    this.byHand = false;
    if (this.camera === this.before) return; // a click
    this.names.forget();
    this.cool();
    if (!byHand) return;
    this.fitted = false;
    setTimeout(() => this.listener.moved(this.centre()), 0);
  }

  private findBox(): void {
    this.around = extent(this.data, this.spots);
    this.boxed = this.data?.rows.n ?? 0;
  }

  private homeView(kind = this.camera.kind): Camera { return homeOf(this.around, kind, this.width, this.height); }

  private sort(): void {
    const { spots, shown } = this, size = this.signed ? shown.map(Math.abs) : shown;
    this.order = heaviest(size, Math.min(shown.length, spots.n), (i) => spots.how[i] !== none);
    this.hollow = this.order.some((i) => spots.how[i] === hollow);
    this.anycast = this.nowhere.size > 0 && this.order.some((i) => spots.how[i] === hollow && this.nowhere.has(i));
  }

  /** Sums changed: the scale is that of the home view, so that panning, zooming and other projections never change it. */
  private weigh(): void {
    if (!this.world || !this.width || !this.height) return;
    this.scale = this.locked ?? this.findScale();
    this.names.forget(this.steady ? this.over : undefined);
    this.listener.scaled(this.scale);
    this.cool();
  }

  private findScale(): Scale | null {
    const over = this.signed ? this.signed.map(Math.abs) : this.over, home = this.homeView("equal-earth");
    return this.finder.find(this.spots, over, home, () => this.heat.peak(this.spots, over, home, over === this.shown && !this.moving ? this.camera : null));
  }

  private draw(): void {
    this.frame = 0;
    if (!this.world || !this.width || !this.height) return;
    const began = performance.now(), ctx = this.canvas.getContext("2d", { alpha: false })!;
    const density = this.canvas.width / this.width;
    ctx.setTransform(density, 0, 0, density, 0, 0);
    if (!this.drawn) {
      this.refresh();
      const seen = this.inSight();
      this.markers = this.order.length <= markersUpTo || (seen.length <= markersUpTo && this.camera.zoom > 3);
      this.drawn = this.drawLayers(ctx, density, seen);
    }
    // The first picture of the data does not wait for its names: the legend would push them about anyway.
    const first = !!this.data && !this.painted;
    if (first) setTimeout(() => this.complete || this.draws(), namesAfter);
    else {
      if (!this.moving && !this.steady) this.listener.naming();
      this.drawNames(ctx, this.drawn);
    }
    this.complete = this.painted;
    this.painted ||= first;
    this.took = [...this.took.slice(-599), performance.now() - began];
    this.listener.drawn();
  }

  /** Puts places and heat where the view has them, unless they are there. */
  private refresh(): void {
    if (this.warm) return;
    this.spots.look(this.camera);
    this.warm = !this.moving;
    if (this.mode === "direction") return;
    const scale = this.scale ?? { low: 1, high: 10 };
    this.heat.fill(this.spots, this.shown, this.camera, this.moving);
    this.heat.paint(scale, ramp(this.theme, this.signed ? undefined : this.palette), this.signed ? colourChange(changeRamps(this.theme)) : undefined);
  }

  private drawLayers(ctx: CanvasRenderingContext2D, density: number, seen: number[], once = false): Drawn {
    const { camera, spots } = this, world = this.world!, c = colours[this.theme];
    const ground = once ? direct(world, camera, c, false) : this.ground.of(world, camera, density, c, this.moving);
    ground.under(ctx);
    const places = this.data?.places, bare = this.hollow && places ? ringed(world, places, this.order, spots, camera, this.nowhere) : [];
    if (this.hollow && places && this.scale) drawTint(ctx, world, places, this.order, this, this.shown, camera, density, c);
    if (this.mode !== "direction") this.heat.draw(ctx);
    ground.over(ctx);
    if (this.arcs.wanted) this.arcs.draw(ctx, this.data?.meta.home, this, c);
    drawEdge(ctx, camera, c);
    drawHollow(ctx, this, bare, this.shown, c);
    const marks = drawMarks(ctx, this, seen, c);
    drawHome(ctx, this.data?.meta.home, camera, c);
    return { seen, bare, ...marks };
  }

  private drawNames(ctx: CanvasRenderingContext2D, drawn: Drawn): void {
    const { spots, scale, camera, covered, moving, steady, over, shown } = this, heat = drawn.discs ? null : this.heat;
    this.names.find(ctx, { ...drawn, world: this.world!, cities: this.data?.places.city ?? [], spots, heat, scale, camera, covered, moving, steady, over, shown });
    drawLabels(ctx, this.names.placed, colours[this.theme]);
  }

  /** While steps are played, names stay where they are: those of the step that the scale is of. */
  private get steady(): boolean {
    return this.over !== this.weights && !this.signed;
  }
}
