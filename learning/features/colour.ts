import { PICTURE_SIZE, type Picture } from '../picture.ts';
import { scaleToUnit } from './unit.ts';

const levels = 4;

/** Length of the feature: 4 x 4 x 4 bins of RGB. */
export const colourLength = levels ** 3;

/** The bin of the background. */
const white = colourLength - 1;

/**
 * Which colours, regardless of where: pixels averaged 2 x 2, counted in 4 levels of each channel (red slowest); the
 * square roots of the counts (Hellinger), unit length. The white bin stays 0, so that the share of background does not
 * count; a white picture gives zeros.
 */
export function colour(picture: Picture): Float32Array {
  const counts = new Float32Array(colourLength);
  const line = PICTURE_SIZE * 3;
  for (let y = 0; y < PICTURE_SIZE; y += 2) {
    for (let x = 0; x < PICTURE_SIZE; x += 2) {
      let bin = 0;
      for (let c = 0; c < 3; c++) {
        const at = y * line + x * 3 + c;
        const sum = picture[at]! + picture[at + 3]! + picture[at + line]! + picture[at + line + 3]!;
        // sum is in 0..1020: 256 levels of grey in four pixels are one bin of 4 x 64.
        bin = bin * levels + Math.min(levels - 1, sum >> 8);
      }
      if (bin !== white) counts[bin] = counts[bin]! + 1;
    }
  }
  for (let i = 0; i < colourLength; i++) counts[i] = Math.sqrt(counts[i]!);
  return scaleToUnit(counts);
}
