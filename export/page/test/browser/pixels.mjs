// Looks at what is on the screen.

/** The page's pixels, decoded by a blank page of the same browser. */
export async function pixels(page) {
  const shot = await page.screenshot({ encoding: "base64" });
  const helper = await page.browser().newPage();
  try {
    return await helper.evaluate(async (text) => {
      const image = await createImageBitmap(await (await fetch("data:image/png;base64," + text)).blob());
      const canvas = new OffscreenCanvas(image.width, image.height), ctx = canvas.getContext("2d");
      ctx.drawImage(image, 0, 0);
      const data = ctx.getImageData(0, 0, image.width, image.height).data;
      let binary = "";
      for (let i = 0; i < data.length; i += 8192) binary += String.fromCharCode(...data.subarray(i, i + 8192));
      return { width: image.width, data: btoa(binary) };
    }, shot).then(({ width, data }) => ({ width, data: Buffer.from(data, "base64") }));
  } finally {
    await helper.close();
  }
}

/** How far apart two screens are at a point: the sum over red, green and blue. */
export function difference(a, b, [x, y]) {
  const i = 4 * (Math.round(y) * a.width + Math.round(x));
  return [0, 1, 2].reduce((sum, c) => sum + Math.abs(a.data[i + c] - b.data[i + c]), 0);
}
