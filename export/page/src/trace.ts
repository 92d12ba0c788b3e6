// Draws small parts of the page, such as the legend, onto a canvas as they stand
// there: boxes with their colours and gradients, texts, inline pictures. Enough for
// what we make; a picture of any page it is not.

/** Draws an element and what is in it. The context's origin is that of the element `origin`. */
export async function trace(ctx: CanvasRenderingContext2D, root: Element, origin: DOMRect): Promise<void> {
  const style = getComputedStyle(root), r = root.getBoundingClientRect();
  if (style.display === "none" || style.visibility === "hidden" || r.width === 0 || root instanceof HTMLButtonElement) return; // nobody presses a picture
  ctx.save();
  ctx.globalAlpha *= Number(style.opacity);
  const x = r.x - origin.x, y = r.y - origin.y;
  if (root instanceof SVGSVGElement) {
    await drawSvg(ctx, root, x, y, r.width, r.height);
  } else {
    drawBox(ctx, style, x, y, r.width, r.height);
    for (const node of root.childNodes) {
      if (node instanceof Element) await trace(ctx, node, origin);
      else if (node instanceof Text) drawText(ctx, node, style, origin);
    }
  }
  ctx.restore();
}

function drawBox(ctx: CanvasRenderingContext2D, style: CSSStyleDeclaration, x: number, y: number, w: number, h: number): void {
  const radius = Math.min(parseFloat(style.borderTopLeftRadius) || 0, w / 2, h / 2), line = parseFloat(style.borderTopWidth) || 0;
  ctx.beginPath();
  ctx.roundRect(x + line / 2, y + line / 2, w - line, h - line, radius);
  const fill = gradientOf(ctx, style.backgroundImage, x, w) ?? style.backgroundColor;
  ctx.fillStyle = fill;
  ctx.fill();
  if (line > 0 && style.borderTopStyle !== "none") {
    ctx.lineWidth = line;
    ctx.strokeStyle = style.borderTopColor;
    ctx.stroke();
  }
}

/** A gradient from left to right with stops at even distances, which is what our legends have. */
function gradientOf(ctx: CanvasRenderingContext2D, image: string, x: number, w: number): CanvasGradient | null {
  const inside = /^linear-gradient\((?:to right|90deg), (.*)\)$/.exec(image)?.[1];
  if (!inside) return null;
  const stops = inside.match(/(?:rgba?|color)\([^)]*\)|#[0-9a-f]+/gi) ?? [];
  const g = ctx.createLinearGradient(x, 0, x + w, 0);
  stops.forEach((colour, i) => g.addColorStop(i / Math.max(1, stops.length - 1), colour));
  return g;
}

/** Word by word, so that text wraps where it wraps on the page. */
function drawText(ctx: CanvasRenderingContext2D, node: Text, style: CSSStyleDeclaration, origin: DOMRect): void {
  ctx.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  ctx.fillStyle = style.color;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const range = document.createRange();
  for (const word of node.data.matchAll(/\S+/g)) {
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const r = range.getBoundingClientRect();
    if (r.width > 0) ctx.fillText(word[0], r.x - origin.x, r.y - origin.y + r.height / 2);
  }
}

const drawn = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity"];

/** A picture keeps its colours only if they are in it, not in our style sheet. */
async function drawSvg(ctx: CanvasRenderingContext2D, svg: SVGSVGElement, x: number, y: number, w: number, h: number): Promise<void> {
  const copy = svg.cloneNode(true) as SVGSVGElement, from = [svg, ...svg.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((e, i) => {
    const style = getComputedStyle(e);
    for (const name of drawn) to[i].setAttribute(name, style.getPropertyValue(name));
    to[i].removeAttribute("style");
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(w));
  copy.setAttribute("height", String(h));
  const image = new Image();
  image.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
  await image.decode();
  ctx.drawImage(image, x, y, w, h);
}
