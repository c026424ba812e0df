import { type Foreground, GROUND, THING } from './foreground.ts';
import { type Ground, groundLine } from './ground.ts';
import type { Box, Colour, Raster } from './raster.ts';

/** In place of a contrast: no pixel of the cell shows the thing. */
const ALL_GROUND = 255;

/** Of a picture in which there is a thing. */
type ThingFound = Foreground & { readonly box: Box };

/**
 * The thing on another ground, as a raster of its box. Where both meet, a pixel is a mixture, a F + (1 - a) G: its share a of
 * the thing is its difference from the ground over that of the thing, and only the ground's part is exchanged.
 */
export function replaceGround(raster: Raster, ground: Ground, foreground: ThingFound, to: Colour): Raster {
  const { cell, columns, rows, kinds, box } = foreground;
  const cut = crop(raster, box);
  const line = new Float32Array(columns * 3);
  const contrasts = new Uint8Array(columns);
  const [first, end] = [box.left / cell, Math.ceil(box.right / cell)];
  for (let y = 0; y < cut.height; y++) {
    if (y % cell === 0) {
      const row = (box.top + y) / cell;
      groundLine(ground, (2 * (row + 0.5)) / rows - 1, columns, line);
      const at = (row + 1) * (columns + 2) + 1;
      for (let column = first; column < end; column++) {
        const contrast = contrastOf(foreground, at + column);
        contrasts[column] = contrast === 0 && kinds[at + column] === GROUND ? ALL_GROUND : contrast;
      }
    }
    for (let x = 0, place = y * cut.width * 3; x < cut.width; x++, place += 3) {
      const column = first + Math.floor(x / cell);
      const contrast = contrasts[column]!;
      if (contrast !== 0) exchange(cut.pixels, place, line, column * 3, to, contrast);
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
 * What a pixel of the cell differs from the ground by when it is all thing: as the cell itself, or, in one of the ground, as
 * those of the thing around it. 0: no pixel of it is a mixture.
 */
function contrastOf({ columns, difference, kinds }: Foreground, at: number): number {
  let most = 0;
  let hasGround = false;
  for (let row = at - columns - 3, line = 0; line < 3; row += columns + 2, line++) {
    for (let one = row; one < row + 3; one++) {
      if (kinds[one] === GROUND) hasGround = true;
      else if (difference[one]! > most) most = difference[one]!;
    }
  }
  if (kinds[at] === THING) return hasGround ? Math.min(difference[at]!, ALL_GROUND - 1) : 0;
  return Math.min(most, ALL_GROUND - 1);
}

function exchange(
  pixels: Uint8Array,
  at: number,
  ground: Float32Array,
  from: number,
  to: Colour,
  contrast: number,
): void {
  if (contrast === ALL_GROUND) {
    pixels[at] = to[0];
    pixels[at + 1] = to[1];
    pixels[at + 2] = to[2];
    return;
  }
  const red = pixels[at]! - ground[from]!;
  const green = pixels[at + 1]! - ground[from + 1]!;
  const blue = pixels[at + 2]! - ground[from + 2]!;
  const share = Math.min(1, Math.max(Math.abs(red), Math.abs(green), Math.abs(blue)) / contrast);
  pixels[at] = level(red + share * ground[from]! + (1 - share) * to[0]);
  pixels[at + 1] = level(green + share * ground[from + 1]! + (1 - share) * to[1]);
  pixels[at + 2] = level(blue + share * ground[from + 2]! + (1 - share) * to[2]);
}

/** For an array that rounds down. */
const level = (value: number): number => Math.min(255, Math.max(0, value + 0.5));
