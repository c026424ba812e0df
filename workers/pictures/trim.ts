/** uint8 RGB, row-major [height, width, 3]. */
export type Raster = {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
};
export type Colour = readonly [red: number, green: number, blue: number];
/** In pixels; `right` and `bottom` are exclusive. */
export type Box = { left: number; top: number; right: number; bottom: number };

/** A channel that differs from the background by more than this is ink: above the noise of JPEG on a white ground. */
const INK_DIFFERENCE = 10;
/** On each side of the ink, as a share of its longer side. */
const BORDER = 0.03;

/**
 * Cuts a picture to its ink, centred in a square of background with a 3 % border, as `size` x `size` pixels: what is
 * compared is then the thing, not how much room its photographer left.
 * @returns uint8 RGB [size, size, 3], area-averaged. A picture without ink is kept whole.
 */
export function trimToSquare(raster: Raster, background: Colour, size: number): Uint8Array {
  const box = inkBox(raster, background) ?? {
    left: 0,
    top: 0,
    right: raster.width,
    bottom: raster.height,
  };
  const side = Math.max(box.right - box.left, box.bottom - box.top) * (1 + 2 * BORDER);
  const left = (box.left + box.right - side) / 2;
  const top = (box.top + box.bottom - side) / 2;
  return areaAverage(raster, background, { left, top, right: left + side, bottom: top + side }, size);
}

/** The smallest box around all ink; null when there is none. */
export function inkBox({ pixels, width, height }: Raster, [red, green, blue]: Colour): Box | null {
  const isInk = (x: number, y: number): boolean => {
    const at = (y * width + x) * 3;
    return (
      Math.abs(pixels[at]! - red) > INK_DIFFERENCE ||
      Math.abs(pixels[at + 1]! - green) > INK_DIFFERENCE ||
      Math.abs(pixels[at + 2]! - blue) > INK_DIFFERENCE
    );
  };
  const box = { left: width, top: height, right: 0, bottom: 0 };
  for (let y = 0; y < height; y++) {
    let left = 0;
    while (left < width && !isInk(left, y)) left++;
    if (left === width) continue;
    let right = width;
    while (right > box.right && !isInk(right - 1, y)) right--;
    box.left = Math.min(box.left, left);
    box.right = Math.max(box.right, right);
    box.top = Math.min(box.top, y);
    box.bottom = y + 1;
  }
  return box.bottom === 0 ? null : box;
}

/**
 * The box as size x size pixels, each the mean of the area it covers; what lies outside the raster is background. Where an
 * output pixel is smaller than one of the raster, it takes the mean of one raster pixel's area around its centre instead,
 * which is linear interpolation: a small thing is enlarged without steps.
 */
export function areaAverage(raster: Raster, background: Colour, box: Box, size: number): Uint8Array {
  const columns = coverage(box.left, box.right, size, raster.width);
  const rows = coverage(box.top, box.bottom, size, raster.height);
  const out = new Uint8Array(size * size * 3);
  const row = new Float64Array(raster.width * 3);
  rows.forEach((cover, y) => {
    const covered = sumOfRows(raster, cover, row);
    columns.forEach(({ from, weights }, x) => {
      let [red, green, blue, share] = [0, 0, 0, 0];
      for (let i = 0, at = from * 3; i < weights.length; i++, at += 3) {
        const weight = weights[i]!;
        red += weight * row[at]!;
        green += weight * row[at + 1]!;
        blue += weight * row[at + 2]!;
        share += weight;
      }
      const outside = 1 - covered * share;
      // Nothing is negative: the array's own rounding down makes it the nearest.
      const at = (y * size + x) * 3;
      out[at] = red + outside * background[0] + 0.5;
      out[at + 1] = green + outside * background[1] + 0.5;
      out[at + 2] = blue + outside * background[2] + 0.5;
    });
  });
  return out;
}

/** Source pixels from..from+weights.length under one output pixel; weights are shares of it, the rest lies outside. */
type Cover = { from: number; weights: number[] };

/** What each of `size` equal parts of [start, end) covers of the pixels 0..length. */
function coverage(start: number, end: number, size: number, length: number): Cover[] {
  const step = (end - start) / size;
  const reach = Math.max(step, 1);
  return Array.from({ length: size }, (_, i) => {
    const low = start + (i + 0.5) * step - reach / 2;
    const high = low + reach;
    const from = Math.max(0, Math.floor(low));
    const to = Math.min(length, Math.ceil(high));
    const share = (pixel: number) => Math.max(0, Math.min(high, pixel + 1) - Math.max(low, pixel)) / reach;
    return {
      from,
      weights: Array.from({ length: Math.max(0, to - from) }, (_, k) => share(from + k)),
    };
  });
}

/** Writes the weighted sum of the rows under one output row: [width, 3]. @returns the sum of their weights. */
function sumOfRows({ pixels, width }: Raster, { from, weights }: Cover, sum: Float64Array): number {
  sum.fill(0);
  let covered = 0;
  for (let j = 0; j < weights.length; j++) {
    const weight = weights[j]!;
    const at = (from + j) * width * 3;
    for (let i = 0; i < width * 3; i++) sum[i]! += weight * pixels[at + i]!;
    covered += weight;
  }
  return covered;
}
