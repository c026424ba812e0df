import { NO_CELL, SHADOW, THING } from './cell-kinds.ts';
import type { Foreground } from './foreground.ts';
import type { Box, Colour, Raster } from './raster.ts';

/** Foreground of a picture in which there is a thing. */
type ThingFound = Foreground & { readonly box: Box };

/**
 * The thing on another ground, as a raster of its box. Where both meet, a pixel is a mixture, a F + (1 - a) G: its share a of
 * the thing is its difference from the ground over that of the thing, and only the ground's part is exchanged.
 */
export function replaceGround(raster: Raster, foreground: ThingFound, to: Colour): Raster {
  const { cell, columns, kinds, colours, limit, box } = foreground;
  const cut = crop(raster, box);
  // Of the same bytes: it rounds, and keeps to 0..255.
  const pixels = new Uint8ClampedArray(cut.pixels.buffer);
  for (let top = 0; top < cut.height; top += cell) {
    const row = (box.top + top) / cell;
    for (let left = 0; left < cut.width; left += cell) {
      const column = (box.left + left) / cell;
      const at = (row + 1) * (columns + 2) + column + 1;
      const contrast = contrastOf(foreground, at);
      if (contrast === 0 && kinds[at] === THING) continue;
      const from = (row * columns + column) * 3;
      const [bottom, right] = [Math.min(cut.height, top + cell), Math.min(cut.width, left + cell)];
      for (let y = top; y < bottom; y++) {
        for (let x = left, place = (y * cut.width + x) * 3; x < right; x++, place += 3)
          exchange(pixels, place, colours, from, to, contrast, limit);
      }
    }
  }
  return cut;
}

function crop({ pixels, width }: Raster, { left, top, right, bottom }: Box): Raster {
  const cut = {
    pixels: new Uint8Array((right - left) * (bottom - top) * 3),
    width: right - left,
    height: bottom - top,
  };
  for (let y = top; y < bottom; y++) {
    const from = (y * width + left) * 3;
    cut.pixels.set(pixels.subarray(from, from + cut.width * 3), (y - top) * cut.width * 3);
  }
  return cut;
}

/**
 * Difference from the ground of a pixel of the cell that is all thing: as the cell itself, or, in one of the ground, as
 * those of the thing around it. 0: no pixel of it is a mixture; none of a shadow is, whose own difference says nothing.
 */
function contrastOf({ columns, difference, kinds }: Foreground, at: number): number {
  const stride = columns + 2;
  if (kinds[at] === SHADOW) return 0;
  const isThing = kinds[at] === THING;
  let most = 0;
  for (let row = at - stride; row <= at + stride; row += stride) {
    for (let one = row - 1; one <= row + 1; one++) {
      if (kinds[one] === NO_CELL || (kinds[one] === THING) === isThing) continue;
      if (isThing) return difference[at]!;
      if (difference[one]! > most) most = difference[one]!;
    }
  }
  return most;
}

/** @param contrast 0: all ground */
function exchange(
  pixels: Uint8ClampedArray,
  at: number,
  colours: Float32Array,
  from: number,
  to: Colour,
  contrast: number,
  limit: number,
): void {
  if (contrast === 0) {
    pixels[at] = to[0];
    pixels[at + 1] = to[1];
    pixels[at + 2] = to[2];
    return;
  }
  const red = pixels[at]! - colours[from]!;
  const green = pixels[at + 1]! - colours[from + 1]!;
  const blue = pixels[at + 2]! - colours[from + 2]!;
  const off = Math.max(Math.abs(red), Math.abs(green), Math.abs(blue));
  const kept = off <= limit ? 0 : 1;
  const share = kept === 0 ? 0 : Math.min(1, off / contrast);
  pixels[at] = kept * red + share * colours[from]! + (1 - share) * to[0];
  pixels[at + 1] = kept * green + share * colours[from + 1]! + (1 - share) * to[1];
  pixels[at + 2] = kept * blue + share * colours[from + 2]! + (1 - share) * to[2];
}
