import { areaAverage } from './area-average.ts';
import { THING } from './cell-kinds.ts';
import { type Foreground, findForeground, INK_DIFFERENCE, middleOf } from './foreground.ts';
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
  const isBackground = isEvenly(ground, background);
  // Nothing is taken from what stands on the background already, shadows neither: much that is white is softly shaded.
  const foreground = ground.isFound ? findForeground(raster, ground, !isBackground) : null;
  if (!foreground?.box) return areaAverage(raster, ground.edge, squareAround(wholeOf(raster)), size);
  if (isBackground) return trimToInk(raster, background, size, foreground.box);
  if (shareSeenOn(raster, foreground, background) < LEAST_SEEN)
    return areaAverage(raster, ground.edge, squareAround(foreground.box), size);
  const cut = replaceGround(raster, { ...foreground, box: foreground.box }, background);
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

/** Share of the thing that is seen on a background, by the pixels in the middle of its cells. */
function shareSeenOn(raster: Raster, { cell, columns, rows, kinds }: Foreground, background: Colour): number {
  const isInk = inkTest(raster, background);
  let [seen, all] = [0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (kinds[(row + 1) * (columns + 2) + column + 1] !== THING) continue;
      all++;
      if (isInk(middleOf(column, cell, raster.width), middleOf(row, cell, raster.height))) seen++;
    }
  }
  return seen / all;
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
