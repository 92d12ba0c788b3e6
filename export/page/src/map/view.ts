// The map on its canvas: owns the view (d3-zoom), draws frames, answers what is
// under the pointer. It knows nothing of signals; map.tsx ties it to them.

import { select, type Selection } from "d3-selection";
import "d3-transition";
import { zoom, zoomIdentity, type ZoomBehavior } from "d3-zoom";
import type { Dataset } from "../dataset";
import { countryName } from "../format";
import { box, fit, fromPlane, hold, inhabited, plane, toPlane, worldScale, type Box, type Transform } from "../projection";
import { ramp, type Theme } from "../ramp";
import { fitScale, type Scale } from "../scale";
import { heaviest } from "../sums";
import type { World } from "../world";
import { sigmaFor } from "../heat";
import { colours } from "./colours";
import { HeatLayer } from "./heatlayer";
import { apart, placeLabels, type Scene } from "./naming";
import type { Placed, Rect } from "./labels";
import { drawBorders, drawHollow, drawHome, drawLabels, drawLand, drawMarkers } from "./paint";
import { Picture } from "./picture";
import { heated, hollow, none, Spots } from "./spots";

/** With so few places in sight each gets a mark to click. */
const markersUpTo = 500;

export interface Listener {
  /** The view came to rest after the user, not the program, moved it. */
  moved(centre: { lat: number; lon: number; zoom: number }): void;
  /** A frame was drawn: overlays follow. */
  drawn(): void;
  /** The heat was weighed anew. */
  scaled(scale: Scale | null): void;
}

export class MapView {
  t: Transform = { k: 1, x: 0, y: 0 };
  width = 0;
  height = 0;
  scale: Scale | null = null;
  markers = false;
  hollow = false; // is anything known to its country only?
  labels: Placed[] = [];
  readonly spots = new Spots();
  /** Parts of the map that other things cover: no label goes there. */
  covered: Rect[] = [];

  private world?: World;
  private data?: Dataset;
  private weights: Float64Array = new Float64Array(0);
  private over = this.weights; // what the scale is fitted to
  private theme: Theme = "dark";
  private readonly heat = new HeatLayer();
  private readonly land = new Picture();
  private readonly borders = new Picture();
  private readonly behaviour: ZoomBehavior<HTMLCanvasElement, unknown>;
  private readonly selection: Selection<HTMLCanvasElement, unknown, null, undefined>;
  private frame = 0;
  private fitted = true; // the view follows the data until the user moves it
  private moving = false;
  private resting = 0;
  private labelled: { t: Transform; placed: Placed[] } | null = null;
  private around: Box | null = null;
  private boxed = 0; // rows that findBox has seen
  private order: Uint32Array = new Uint32Array(0); // places by weight, heaviest first

  constructor(private readonly canvas: HTMLCanvasElement, private readonly listener: Listener) {
    this.behaviour = zoom<HTMLCanvasElement, unknown>()
      .translateExtent([[plane.x0, plane.y0], [plane.x1, plane.y1]])
      .on("start", () => (this.moving = true))
      .on("zoom", (e) => {
        this.t = { k: e.transform.k, x: e.transform.x, y: e.transform.y };
        this.schedule();
      })
      .on("end", (e) => {
        this.moving = false;
        clearTimeout(this.resting);
        this.resting = setTimeout(() => this.rest(), 60) as unknown as number;
        if (e.sourceEvent) this.userMoved();
      });
    this.selection = select(canvas).call(this.behaviour);
  }

  setWorld(w: World): void {
    this.world = w;
    if (this.data) this.spots.update(this.data, w);
    this.findBox();
    if (this.fitted) this.home();
    if (this.width) this.drawGround();
    this.weigh();
  }

  setTheme(t: Theme): void {
    this.theme = t;
    if (this.world && this.width) this.drawGround();
    this.weigh();
  }

  /** The scale is that of over: over a playback, the most that any step has of each place. */
  setData(d: Dataset, weights: Float64Array, over = weights): void {
    const first = this.data !== d;
    if (first) this.spots.n = 0;
    this.data = d;
    this.weights = weights;
    this.over = over;
    if (this.world) this.spots.update(d, this.world);
    if (first || d.rows.n !== this.boxed) this.findBox();
    if (first && this.fitted) this.home();
    this.order = heaviest(weights, Math.min(weights.length, this.spots.n), (i) => this.spots.how[i] !== none);
    this.weigh();
  }

  resize(width: number, height: number): void {
    if (width === this.width && height === this.height) return;
    const centre = this.width ? this.centre() : null;
    this.width = width;
    this.height = height;
    const density = Math.min(3, devicePixelRatio || 1);
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(height * density);
    const world = worldScale(width, height);
    this.behaviour.extent([[0, 0], [width, height]]).scaleExtent([world, world * 400]);
    if (this.fitted || !centre) this.home();
    else this.look(centre.lat, centre.lon, centre.zoom);
    if (this.world) this.drawGround();
    this.weigh();
  }

  /** Shows where the data is. */
  home(animate = false): void {
    this.fitted = true;
    this.go(this.homeView(), animate);
  }

  /** Shows a centre at a zoom, 1 being the whole world. */
  look(lat: number, lon: number, zoomed: number, animate = false): void {
    this.fitted = false;
    const k = worldScale(this.width, this.height) * zoomed, [x, y] = toPlane(lon, lat);
    this.go(hold({ k, x: this.width / 2 - k * x, y: this.height / 2 - k * y }, this.width, this.height), animate);
  }

  centre(): { lat: number; lon: number; zoom: number } {
    const at = fromPlane((this.width / 2 - this.t.x) / this.t.k, (this.height / 2 - this.t.y) / this.t.k);
    const [lon, lat] = at && at.every(Number.isFinite) ? at : [11, 20];
    return { lat, lon, zoom: this.t.k / worldScale(this.width, this.height) };
  }

  zoomBy(factor: number): void {
    this.fitted = false;
    this.behaviour.scaleBy(this.motion(), factor);
    this.userMoved();
  }

  panBy(dx: number, dy: number): void {
    this.behaviour.translateBy(this.selection, dx / this.t.k, dy / this.t.k);
    this.userMoved();
  }

  /** The pixel of a place. */
  pixel(i: number): [number, number] | null {
    if (i < 0 || i >= this.spots.n || this.spots.how[i] === none) return null;
    return [this.spots.x[i] * this.t.k + this.t.x, this.spots.y[i] * this.t.k + this.t.y];
  }

  /** The place under a pixel: the heaviest within reach, with nearer ones preferred. */
  pick(x: number, y: number, reach = 14): number {
    let best = -1, score = 0;
    for (const i of this.order) {
      const dx = this.spots.x[i] * this.t.k + this.t.x - x, dy = this.spots.y[i] * this.t.k + this.t.y - y;
      const d = Math.hypot(dx, dy);
      if (d > reach) continue;
      const s = (1 - d / (reach * 1.2)) * (this.markers ? 1 : 2 + Math.log(this.weights[i]));
      if (s > score) (score = s), (best = i);
    }
    return best;
  }

  /** How much of a rectangle has data under it, 0 being none. */
  busy(r: Rect): number {
    let n = 0;
    for (let y = r.y + 4; y < r.y + r.h; y += 8)
      for (let x = r.x + 4; x < r.x + r.w; x += 8) if (this.heat.near(this.t, x, y) > (this.scale?.low ?? 1) / 4) n++;
    for (const i of this.order) {
      const p = this.spots.how[i] === hollow || this.markers ? this.pixel(i) : null;
      if (p && p[0] > r.x && p[0] < r.x + r.w && p[1] > r.y && p[1] < r.y + r.h) n++;
    }
    return n;
  }

  /** The kilometres of one standard deviation of the heat at the middle of the screen. */
  reachKm(): number {
    const a = this.centre();
    const b = fromPlane((this.width / 2 - this.t.x + sigmaFor(this.width)) / this.t.k, (this.height / 2 - this.t.y) / this.t.k);
    const km = b ? Math.abs(((b[0] - a.lon + 540) % 360) - 180) * 111.2 * Math.cos((a.lat * Math.PI) / 180) : 0;
    return 2 * km;
  }

  /** The map as it is shown, drawn at so many pixels a CSS pixel. */
  snapshot(density: number): HTMLCanvasElement {
    const { canvas } = this, { width, height } = canvas, out = document.createElement("canvas");
    canvas.width = out.width = Math.round(this.width * density);
    canvas.height = out.height = Math.round(this.height * density);
    this.drawGround();
    this.draw();
    out.getContext("2d")!.drawImage(canvas, 0, 0);
    canvas.width = width;
    canvas.height = height;
    this.drawGround();
    this.draw();
    return out;
  }

  schedule(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  /** The box around all places that have rows, selected or not. */
  private findBox(): void {
    const found: [number, number][] = [];
    const rows = this.data?.rows, used = new Uint8Array(this.spots.n);
    for (let i = 0; rows && i < rows.n; i++) used[rows.place[i]] = 1;
    for (let i = 0; i < this.spots.n; i++) if (used[i] && this.spots.how[i] !== none) found.push([this.spots.x[i], this.spots.y[i]]);
    this.around = found.length ? box(found) : null;
    this.boxed = rows?.n ?? 0;
  }

  private homeView(): Transform {
    const room = Math.min(44, this.width / 10, this.height / 10);
    return this.around ? fit(this.around, this.width, this.height, room) : fit(inhabited, this.width, this.height, 8);
  }

  private go(t: Transform, animate: boolean): void {
    this.behaviour.transform(animate ? this.motion() : this.selection, zoomIdentity.translate(t.x, t.y).scale(t.k));
  }

  private motion(): Selection<HTMLCanvasElement, unknown, null, undefined> {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.selection;
    return this.selection.transition().duration(250) as unknown as typeof this.selection;
  }

  private userMoved(): void {
    this.fitted = false;
    setTimeout(() => this.listener.moved(this.centre()), 0);
  }

  private get density(): number {
    return this.canvas.width / this.width;
  }

  /** The view stands still: everything is drawn for it, crisply. */
  private rest(): void {
    if (this.moving || !this.world) return;
    this.drawGround();
    this.drawHeat();
    this.labelled = null;
    this.schedule();
  }

  private drawGround(): void {
    const c = colours[this.theme];
    for (const p of [this.land, this.borders]) p.aim(this.t, this.width, this.height);
    drawLand(this.land, this.world!, this.density, c);
    drawBorders(this.borders, this.world!, this.density, c);
  }

  private drawHeat(): void {
    this.heat.fill(this.spots, this.weights, this.t, this.width, this.height);
    this.heat.paint(this.scale ?? { low: 1, high: 10 }, ramp(this.theme));
  }

  /** Sums changed: the scale is that of the home view, so that panning and zooming never change it. */
  private weigh(): void {
    if (!this.world || !this.width) return;
    let weakest = Infinity, strongest = 0;
    this.hollow = this.order.some((i) => this.spots.how[i] === hollow);
    const { over, spots } = this, n = Math.min(over.length, spots.n);
    let hot = false;
    for (let i = 0; i < n && !hot; i++) hot = over[i]! > 0 && spots.how[i] === heated;
    for (let i = 0; i < n; i++) {
      if (!(over[i]! > 0) || spots.how[i] === none || (hot && spots.how[i] !== heated)) continue;
      weakest = Math.min(weakest, over[i]!);
      strongest = Math.max(strongest, over[i]!);
    }
    if (hot) strongest = Math.max(strongest, this.heat.peak(spots, over, this.homeView(), this.width, this.height));
    this.scale = strongest > 0 ? fitScale(weakest, strongest) : null;
    this.drawHeat();
    this.labelled = null;
    this.listener.scaled(this.scale);
    this.schedule();
  }

  private draw(): void {
    this.frame = 0;
    if (!this.world || !this.width) return;
    const ctx = this.canvas.getContext("2d")!, c = colours[this.theme];
    if (this.land.stale(this.t, this.width, this.height)) this.drawGround();
    if (this.heat.picture.stale(this.t, this.width, this.height)) this.drawHeat();
    ctx.setTransform(this.density, 0, 0, this.density, 0, 0);
    ctx.imageSmoothingQuality = "low"; // bilinear: the heat is smooth already
    for (const p of [this.land, this.heat.picture, this.borders]) p.draw(ctx, this.t);
    const seen = this.inSight();
    this.markers = this.order.length <= markersUpTo || (seen.length <= markersUpTo && this.t.k > 3 * worldScale(this.width, this.height));
    drawHollow(ctx, this, seen, this.weights, c);
    const marked = this.markers ? apart(this.spots, this.t, seen) : [];
    drawMarkers(ctx, this, marked, this.weights, c);
    const home = this.data?.meta.home;
    if (home) {
      const [x, y] = toPlane(home.longitude, home.latitude);
      drawHome(ctx, x * this.t.k + this.t.x, y * this.t.k + this.t.y, c);
    }
    this.label(ctx, seen, marked);
    drawLabels(ctx, this.labels, c);
    this.listener.drawn();
  }

  /** Labels ride along while the map moves, and are placed anew when it rests or has changed much. */
  private label(ctx: CanvasRenderingContext2D, seen: number[], marked: number[]): void {
    const was = this.labelled, f = was ? this.t.k / was.t.k : 0;
    if (!was || !this.moving || f > 1.25 || f < 0.9) {
      this.labelled = { t: this.t, placed: (this.labels = placeLabels(ctx, this.scene(), seen, marked)) };
      return;
    }
    this.labels = was.placed.map((l) => ({
      ...l,
      x: (l.x + l.w / 2 - was.t.x) * f + this.t.x - l.w / 2,
      y: (l.y + l.h / 2 - was.t.y) * f + this.t.y - l.h / 2,
    }));
  }

  /** Places on the screen, heaviest first. */
  private inSight(): number[] {
    const out: number[] = [], { k, x, y } = this.t;
    for (const i of this.order) {
      const px = this.spots.x[i] * k + x, py = this.spots.y[i] * k + y;
      if (px > -8 && py > -8 && px < this.width + 8 && py < this.height + 8) out.push(i);
    }
    return out;
  }

  private scene(): Scene {
    return {
      world: this.world!, cities: this.data?.places.city ?? [], spots: this.spots, weights: this.weights, heat: this.heat, scale: this.scale,
      t: this.t, width: this.width, height: this.height, covered: this.covered,
    };
  }

  /** What a screen reader hears of the map. */
  describe(): string {
    const p = this.data?.places;
    if (!p || this.order.length === 0) return "World map, nothing on it.";
    const names = Array.from(this.order.slice(0, 5), (i) => p.city[i] || countryName(p.country[i]));
    return `World map of ${this.order.length} places. Heaviest: ${names.join(", ")}. The list beside it says the same in text.`;
  }
}
