// The map on its canvas: owns the view, draws frames, answers what is under the
// pointer. It knows nothing of signals; map.tsx ties it to them.

import type { Dataset } from "../dataset";
import { countryName } from "../format";
import { sigmaFor } from "../heat";
import { Camera, fit, rad, whole, worldScale, type Box, type Kind } from "../projection";
import { changeRamps, ramp, type Palette, type Theme } from "../ramp";
import type { Scale } from "../scale";
import { heaviest } from "../sums";
import type { World } from "../world";
import { drawArcs, makeArcs, type Arc } from "./arcs";
import { colourChange } from "./change";
import { colours } from "./colours";
import { extent, scaleOf } from "./fitting";
import { Gestures } from "./gestures";
import { drawOver, drawUnder, Ground, within } from "./ground";
import { clusters, drawHalves, type Split } from "./halves";
import { HeatLayer } from "./heatlayer";
import type { Placed, Rect } from "./labels";
import type { Listener, Mode } from "./listener";
import { apart, glow, placeLabels, ride } from "./naming";
import { inside, nearest } from "./picking";
import { drawHollow, drawHome, drawLabels, drawMarkers } from "./paint";
import { hollow, none, Spots } from "./spots";
import { anycastPlaces, drawTint, ringed, tinted } from "./tint";

/** With so few places in sight each gets a mark to click. */
const markersUpTo = 500;

export class MapView {
  camera = new Camera("equal-earth", 0, 0, 1, 0, 0);
  scale: Scale | null = null;
  markers = false;
  hollow = false; // is anything known to its country only?
  anycast = false; // and in no one place at all?
  labels: Placed[] = [];
  readonly spots = new Spots();
  /** Parts of the map that other things cover: no label goes there. */
  covered: Rect[] = [];
  /** Milliseconds that the last frames took, for who measures. */
  readonly took: number[] = [];

  private world?: World;
  private data?: Dataset;
  private weights: Float64Array = new Float64Array(0);
  /** The last scale that was found, and what for: the steps of a playback share theirs. */
  private found: { over: Float64Array; n: number; k: number; width: number; height: number; scale: Scale | null } | null = null;
  private over = this.weights; // what the scale is fitted to
  private nowhere: ReadonlySet<number> = new Set(); // places with anycast addresses
  private split: Split | null = null;
  private rate = 1;
  private reach: ReadonlyMap<number, number> = new Map(); // pixels of each disc, by its place
  private signed: Float64Array | null = null;
  private locked: Scale | null = null;
  private theme: Theme = "dark";
  private palette: Palette = "auto";
  private arcsWanted = false;
  private arcs: Arc[] | null = null; // null: to be made
  private readonly heat = new HeatLayer();
  private readonly ground = new Ground();
  private readonly gestures: Gestures;
  private frame = 0;
  private fitted = true; // the view follows the data until the user moves it
  private moving = false;
  private before = this.camera; // when it began to move
  private byHand = false;
  private warm = false; // the heat is that of the view, and crisp
  private labelled: { camera: Camera; placed: Placed[]; over: Float64Array } | null = null;
  private around: Box | null = null;
  private boxed = 0; // rows that findBox has seen
  private order: Uint32Array = new Uint32Array(0); // places by weight, heaviest first

  constructor(private readonly canvas: HTMLCanvasElement, private readonly listener: Listener) {
    this.gestures = new Gestures(canvas, {
      camera: () => this.camera,
      look: (c) => this.show(c),
      started: () => this.start(),
      rested: () => this.rest(),
    });
    canvas.addEventListener("pointerdown", () => (this.byHand = true));
    canvas.addEventListener("wheel", () => (this.byHand = true), { passive: true });
  }

  get width(): number {
    return this.camera.width;
  }
  get height(): number {
    return this.camera.height;
  }
  get mode(): Mode {
    return this.signed ? "change" : this.split ? "direction" : "volume";
  }
  /** What a place weighs now: signed where change is shown. */
  get shown(): Float64Array {
    return this.signed ?? this.weights;
  }

  setWorld(w: World): void {
    this.world = w;
    if (this.data) this.spots.update(this.data, w);
    this.findBox();
    if (this.fitted && this.width) this.home();
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
    this.arcs = null;
    if (this.world) this.spots.update(d, this.world);
    if (first || d.rows.n !== this.boxed) this.findBox();
    if (first) this.nowhere = anycastPlaces(d);
    // What matches nothing leaves the view as it is: there is nowhere to go.
    if (first && this.fitted && this.width && (this.around || !this.found)) this.home();
    this.sort();
    this.weigh();
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
    this.arcsWanted = wanted;
    this.arcs = null;
    this.schedule();
  }

  /** Another projection, of about what is seen now. */
  setKind(kind: Kind): void {
    const { camera } = this;
    if (kind === camera.kind) return;
    const world = worldScale(kind, camera.width, camera.height);
    const next = new Camera(kind, camera.lon, camera.lat, world, camera.width, camera.height);
    this.labelled = null;
    this.camera = camera.zoom < 1.3 ? next : next.at(camera.lon, camera.lat, (world * camera.perKm) / next.perKm);
    if (this.fitted) this.home();
    else {
      this.gestures.fly(this.camera, false);
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
    this.gestures.fly(this.homeView(), animate);
  }

  /** Shows a centre (degrees) at a zoom, 1 being the whole world. */
  look(lat: number, lon: number, zoomed: number, animate = false): void {
    this.fitted = false;
    this.gestures.fly(this.camera.at(lon * rad, lat * rad, worldScale(this.camera.kind, this.width, this.height) * zoomed), animate);
  }

  centre(): { lat: number; lon: number; zoom: number } {
    return { lat: this.camera.lat / rad, lon: this.camera.lon / rad, zoom: this.camera.zoom };
  }

  zoomBy(factor: number): void {
    this.byHand = true;
    this.gestures.fly(this.camera.zoomed(this.camera.k * factor), true);
  }

  panBy(dx: number, dy: number): void {
    this.byHand = true;
    this.gestures.fly(this.camera.panned(dx, dy), true);
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
  inSight(): number[] {
    return inside(this.spots, this.order, { x: -8, y: -8, w: this.width + 16, h: this.height + 16 });
  }

  /** How much of a rectangle has data under it, 0 being none. */
  busy(r: Rect): number {
    let n = 0;
    const least = (this.scale?.low ?? 1) / 4, marks = inside(this.spots, this.order, r);
    if (this.mode !== "direction") for (let y = r.y + 4; y < r.y + r.h; y += 8) for (let x = r.x + 4; x < r.x + r.w; x += 8) if (Math.abs(this.heat.near(x, y)) > least) n++;
    return n + (this.mode === "direction" || this.markers ? marks.length : marks.filter((i) => this.spots.how[i] === hollow).length);
  }

  /** The kilometres of two standard deviations of the heat at the middle of the screen. */
  reachKm(): number {
    return (2 * sigmaFor(this.width)) / this.camera.perKm;
  }

  /** The map as it is shown, drawn at so many pixels a CSS pixel. */
  snapshot(density: number): HTMLCanvasElement {
    const out = document.createElement("canvas"), ctx = out.getContext("2d")!;
    out.width = Math.round(this.width * density);
    out.height = Math.round(this.height * density);
    ctx.setTransform(density, 0, 0, density, 0, 0);
    if (!this.world || !this.width || !this.height) return out;
    this.refresh();
    this.drawLayers(ctx, density, this.inSight());
    return out;
  }

  /** Names are placed anew: what covers the map has moved. */
  relabel(): void {
    this.labelled = null;
    this.schedule();
  }

  schedule(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  /** What a screen reader hears of the map. */
  describe(): string {
    const p = this.data?.places;
    if (!p || this.order.length === 0) return "World map, nothing on it.";
    const names = Array.from(this.order.slice(0, 5), (i) => p.city[i] || countryName(p.country[i]));
    return `World map of ${this.order.length} places. Heaviest: ${names.join(", ")}. The list beside it says the same in text.`;
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
    this.labelled = null;
    this.cool();
    if (!byHand) return;
    this.fitted = false;
    setTimeout(() => this.listener.moved(this.centre()), 0);
  }

  private findBox(): void {
    this.around = extent(this.data, this.spots);
    this.boxed = this.data?.rows.n ?? 0;
  }

  private homeView(kind = this.camera.kind): Camera {
    const { width, height } = this, room = Math.min(44, width / 10, height / 10);
    return this.around ? fit(this.around, kind, width, height, room) : whole(kind, width, height);
  }

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
    if (!this.steady || this.labelled?.over !== this.over) this.labelled = null;
    this.listener.scaled(this.scale);
    this.cool();
  }

  private findScale(): Scale | null {
    const over = this.signed ? this.signed.map(Math.abs) : this.over, home = this.homeView("equal-earth"), { n } = this.spots;
    const had = this.found;
    if (had && had.over === over && had.n === n && had.k === home.k && had.width === this.width && had.height === this.height) return had.scale;
    const scale = scaleOf(this.spots, over, () => this.heat.peak(this.spots, over, home));
    this.found = { over, n, k: home.k, width: this.width, height: this.height, scale };
    return scale;
  }

  private draw(): void {
    this.frame = 0;
    if (!this.world || !this.width || !this.height) return;
    const began = performance.now(), ctx = this.canvas.getContext("2d")!, { camera } = this;
    this.refresh();
    const density = this.canvas.width / this.width, seen = this.inSight();
    this.markers = this.order.length <= markersUpTo || (seen.length <= markersUpTo && camera.zoom > 3);
    ctx.setTransform(density, 0, 0, density, 0, 0);
    this.drawLayers(ctx, density, seen);
    this.took.push(performance.now() - began);
    if (this.took.length > 600) this.took.shift();
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
    if (this.signed) this.heat.paint(scale, ramp(this.theme), colourChange(changeRamps(this.theme)));
    else this.heat.paint(scale, ramp(this.theme, this.palette));
  }

  private drawLayers(ctx: CanvasRenderingContext2D, density: number, seen: number[]): void {
    const { camera, spots } = this, world = this.world!, c = colours[this.theme], outline = camera.outline();
    if (!this.moving) this.ground.prepare(world, camera, density, c);
    if (this.moving) drawUnder(ctx, world, camera, c, outline);
    else this.ground.drawUnder(ctx, camera);
    const places = this.data?.places, bare = this.hollow && places ? ringed(world, places, this.order, spots, camera, this.nowhere) : [];
    if (this.hollow && places && this.scale) within(ctx, camera, outline, () => drawTint(ctx, world, places, this.order, this, this.shown, camera, density, c));
    if (this.mode !== "direction") within(ctx, camera, outline, () => this.heat.draw(ctx));
    if (this.moving) drawOver(ctx, world, camera, c, outline);
    else this.ground.drawOver(ctx, camera);
    if (this.arcsWanted) within(ctx, camera, outline, () => drawArcs(ctx, this.arcsNow(), camera, this.scale, c));
    drawHollow(ctx, this, bare, this.shown, c);
    let marked: number[] = [];
    if (this.split && !this.signed && this.scale) {
      const discs = clusters(spots, seen, this.split, this.rate, this.scale, camera.width);
      drawHalves(ctx, discs, c);
      marked = discs.map((d) => d.place);
      this.reach = new Map(discs.map((d) => [d.place, Math.max(d.left, d.right)]));
    } else if (this.markers) {
      marked = apart(spots, seen);
      drawMarkers(ctx, this, marked, this.shown, c);
    }
    const home = this.data?.meta.home, at = home && camera.point(home.longitude * rad, home.latitude * rad);
    if (at) drawHome(ctx, at[0], at[1], c);
    this.label(ctx, seen, marked, bare);
    drawLabels(ctx, this.labels, c);
  }

  private arcsNow(): Arc[] {
    const home = this.data?.meta.home;
    return (this.arcs ??= home ? makeArcs(home, this.spots, this.order, this.shown) : []);
  }

  /** While steps are played, names stay where they are: those of the step that the scale is of. */
  private get steady(): boolean {
    return this.over !== this.weights && !this.signed;
  }

  /** Labels ride along while the map moves, and are placed anew when it rests or was zoomed much. */
  private label(ctx: CanvasRenderingContext2D, seen: number[], marked: number[], bare: number[]): void {
    const was = this.labelled, { camera } = this, f = was ? camera.k / was.camera.k : 0;
    if (this.steady && was?.over === this.over && was.camera === camera) return void (this.labels = was.placed);
    if (!was || !this.moving || f > 1.25 || f < 0.9) {
      const { world, spots, heat, scale, covered } = this, shown = this.steady ? this.over : this.shown;
      if (this.steady) seen = inside(spots, heaviest(shown, Math.min(shown.length, spots.n), (i) => spots.how[i] !== none), { x: 0, y: 0, w: this.width, h: this.height });
      else if (this.mode === "direction") seen = marked; // a name is that of a disc
      const radius = (i: number) => (this.mode === "direction" || !scale ? (this.reach.get(i) ?? 6) + 1 : glow(scale, Math.abs(shown[i]), camera.width));
      const placed = placeLabels(ctx, { world: world!, cities: this.data?.places.city ?? [], spots, heat: this.mode === "direction" ? null : heat, scale, camera, covered, radius }, seen, marked, bare);
      this.labelled = { camera, placed, over: this.over };
      this.labels = placed;
      return;
    }
    this.labels = ride(was.placed, was.camera, camera);
  }
}
