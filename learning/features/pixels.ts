import { PICTURE_SIZE, type Picture } from '../picture.ts';
import { scaleToUnit } from './unit.ts';

const side = 16;
const box = PICTURE_SIZE / side;

/** Length of the feature: 16 x 16 pixels of 3 channels. */
export const pixelsLength = side * side * 3;

/** The picture itself, averaged to 16 x 16 ink values (1 - rgb/255), HWC, unit length; a white picture gives zeros. */
export function pixels(picture: Picture): Float32Array {
  const sums = new Float32Array(pixelsLength);
  for (let y = 0; y < PICTURE_SIZE; y++) {
    const row = Math.floor(y / box) * side;
    for (let x = 0; x < PICTURE_SIZE; x++) {
      const from = (y * PICTURE_SIZE + x) * 3;
      const to = (row + Math.floor(x / box)) * 3;
      for (let c = 0; c < 3; c++) sums[to + c] = sums[to + c]! + 255 - picture[from + c]!;
    }
  }
  return scaleToUnit(sums);
}
