import { findForeground, INK_DIFFERENCE } from './foreground.ts';
import { estimateGround, isEvenly } from './ground.ts';
import type { Box, Colour, Raster } from './raster.ts';
import { replaceGround } from './replace-ground.ts';

/** On each side of the ink, as a share of its longer side. */
const BORDER = 0.03;
/** A thing of which no larger share differs from the background would vanish on it: it keeps the ground it is seen on. */
const LEAST_SEEN = 0.2;

/**
 * Cuts a picture to its thing, on the background instead of its own ground, centred in a square with a 3 % border, as
 * `size` x `size` pixels: what is compared is then the thing, not where and on what its photographer put it.
 * @returns uint8 RGB [size, size, 3], area-averaged. A picture without ground or without a thing is kept whole.
 */
export function trimToSquare(raster: Raster, background: Colour, size: number): Uint8Array {
  const ground = estimateGround(raster);
  const foreground = ground.isFound ? findForeground(raster, ground) : null;
  if (!foreground?.box) return areaAverage(raster, ground.edge, squareAround(wholeOf(raster)), size);
  if (isEvenly(ground, background)) return trimToInk(raster, background, size, foreground.box);
  const cut = replaceGround(raster, ground, { ...foreground, box: foreground.box }, background);
  if (inkArea(cut, background) < LEAST_SEEN * foreground.area)
    return areaAverage(raster, ground.edge, squareAround(foreground.box), size);
  return trimToInk(cut, background, size);
}

/** The same where the ground is known to be the background, looking for the thing in a part of the raster only. */
export function trimToInk(raster: Raster, background: Colour, size: number, within = wholeOf(raster)): Uint8Array {
  return areaAverage(raster, background, squareAround(inkBox(raster, background, within) ?? within), size);
}

const wholeOf = ({ width, height }: Raster): Box => ({ left: 0, top: 0, right: width, bottom: height });

function squareAround({ left, top, right, bottom }: Box): Box {
  const side = Math.max(right - left, bottom - top) * (1 + 2 * BORDER);
  const [x, y] = [(left + right - side) / 2, (top + bottom - side) / 2];
  return { left: x, top: y, right: x + side, bottom: y + side };
}

/** The smallest box around all ink of a part; null when there is none. */
export function inkBox(raster: Raster, background: Colour, within: Box): Box | null {
  const isInk = inkTest(raster, background);
  const box = { left: within.right, top: within.bottom, right: within.left, bottom: 0 };
  for (let y = within.top; y < within.bottom; y++) {
    let left = within.left;
    while (left < within.right && !isInk(left, y)) left++;
    if (left === within.right) continue;
    let right = within.right;
    while (right > box.right && !isInk(right - 1, y)) right--;
    box.left = Math.min(box.left, left);
    box.right = Math.max(box.right, right);
    box.top = Math.min(box.top, y);
    box.bottom = y + 1;
  }
  return box.bottom === 0 ? null : box;
}

/** Pixels. */
function inkArea(raster: Raster, background: Colour): number {
  const isInk = inkTest(raster, background);
  let area = 0;
  for (let y = 0; y < raster.height; y++) for (let x = 0; x < raster.width; x++) if (isInk(x, y)) area++;
  return area;
}

const inkTest =
  ({ pixels, width }: Raster, [red, green, blue]: Colour) =>
  (x: number, y: number): boolean => {
    const at = (y * width + x) * 3;
    return (
      Math.abs(pixels[at]! - red) > INK_DIFFERENCE ||
      Math.abs(pixels[at + 1]! - green) > INK_DIFFERENCE ||
      Math.abs(pixels[at + 2]! - blue) > INK_DIFFERENCE
    );
  };

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
  const used = { first: columns[0]!.from, end: columns.at(-1)!.from + columns.at(-1)!.weights.length };
  rows.forEach((cover, y) => {
    const covered = sumOfRows(raster, cover, used, row);
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

/** Writes the weighted sum of the rows under one output row, in the used columns: [width, 3]. @returns the sum of their weights. */
function sumOfRows(
  { pixels, width }: Raster,
  { from, weights }: Cover,
  used: { first: number; end: number },
  sum: Float64Array,
): number {
  sum.fill(0);
  let covered = 0;
  for (let j = 0; j < weights.length; j++) {
    const weight = weights[j]!;
    const at = (from + j) * width * 3;
    for (let i = used.first * 3; i < used.end * 3; i++) sum[i]! += weight * pixels[at + i]!;
    covered += weight;
  }
  return covered;
}
