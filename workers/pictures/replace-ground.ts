import { type Foreground, GROUND, THING } from './foreground.ts';
import { type Ground, groundLine } from './ground.ts';
import type { Box, Colour, Raster } from './raster.ts';

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
  for (let row = box.top / cell; row * cell < box.bottom; row++) {
    groundLine(ground, (2 * (row + 0.5)) / rows - 1, columns, line);
    for (let column = box.left / cell; column * cell < box.right; column++) {
      const at = (row + 1) * (columns + 2) + column + 1;
      const most = contrastOf(foreground, at);
      if (most === 0 && kinds[at] !== GROUND) continue;
      const [left, top] = [column * cell - box.left, row * cell - box.top];
      const [right, bottom] = [Math.min(cut.width, left + cell), Math.min(cut.height, top + cell)];
      for (let y = top; y < bottom; y++) {
        if (most === 0) for (let x = left; x < right; x++) cut.pixels.set(to, (y * cut.width + x) * 3);
        else
          for (let x = left; x < right; x++) exchange(cut.pixels, (y * cut.width + x) * 3, line, column * 3, to, most);
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
  if (kinds[at] === THING) return hasGround ? difference[at]! : 0;
  return most;
}

function exchange(pixels: Uint8Array, at: number, line: Float32Array, old: number, to: Colour, most: number): void {
  const [red, green, blue] = [line[old]!, line[old + 1]!, line[old + 2]!];
  const off = Math.max(
    Math.abs(pixels[at]! - red),
    Math.abs(pixels[at + 1]! - green),
    Math.abs(pixels[at + 2]! - blue),
  );
  const part = Math.max(0, 1 - off / most);
  pixels[at] = level(pixels[at]! + part * (to[0] - red));
  pixels[at + 1] = level(pixels[at + 1]! + part * (to[1] - green));
  pixels[at + 2] = level(pixels[at + 2]! + part * (to[2] - blue));
}

/** For an array that rounds down. */
const level = (value: number): number => Math.min(255, Math.max(0, value + 0.5));
