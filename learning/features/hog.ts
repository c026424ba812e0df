import { PICTURE_SIZE, type Picture } from '../picture.ts';
import { scaleToUnit } from './unit.ts';

const cells = 8;
const bins = 9;
const cell = PICTURE_SIZE / cells;

/** Length of the feature: 8 x 8 cells of 9 orientations. */
export const hogLength = cells * cells * bins;

/** Where a pixel's vote goes along one side: cell `first` with weight 1 - share, the next one with `share`. */
const votes = Array.from({ length: PICTURE_SIZE }, (_, pixel) => {
  const position = (pixel + 0.5) / cell - 0.5;
  const first = Math.floor(position);
  return { first, share: position - first };
});

/**
 * Histogram of oriented gradients (after Dalal and Triggs 2005) of the 64 px picture: central differences of grey ink,
 * unsigned angle, votes by magnitude shared linearly between neighbouring cells and orientations. Square roots replace
 * their block normalisation. Cells in rows, 9 values each, unit length; a picture of one colour without a border
 * against white gives zeros.
 */
export function hog(picture: Picture): Float32Array {
  const grey = greyInk(picture);
  const histogram = new Float32Array(hogLength);
  const stride = PICTURE_SIZE + 2;
  for (let y = 0; y < PICTURE_SIZE; y++) {
    for (let x = 0; x < PICTURE_SIZE; x++) {
      const at = (y + 1) * stride + x + 1;
      const gx = grey[at + 1]! - grey[at - 1]!;
      const gy = grey[at + stride]! - grey[at - stride]!;
      if (gx !== 0 || gy !== 0) vote(histogram, x, y, gx, gy);
    }
  }
  for (let i = 0; i < hogLength; i++) histogram[i] = Math.sqrt(histogram[i]!);
  return scaleToUnit(histogram);
}

/** Sum of the ink of the three channels, 0..765, with a border of one white pixel: [66, 66]. */
function greyInk(picture: Picture): Int32Array {
  const stride = PICTURE_SIZE + 2;
  const grey = new Int32Array(stride * stride);
  for (let y = 0, from = 0; y < PICTURE_SIZE; y++) {
    for (let x = 0; x < PICTURE_SIZE; x++, from += 3) {
      grey[(y + 1) * stride + x + 1] = 765 - picture[from]! - picture[from + 1]! - picture[from + 2]!;
    }
  }
  return grey;
}

function vote(histogram: Float32Array, x: number, y: number, gx: number, gy: number): void {
  const magnitude = Math.sqrt(gx * gx + gy * gy);
  const angle = Math.atan2(gy, gx);
  // Unsigned, in bins whose centres are at (k + 1/2) pi / bins.
  const position = ((angle < 0 ? angle + Math.PI : angle) / Math.PI) * bins - 0.5;
  const floor = Math.floor(position);
  const share = position - floor;
  const low = (floor + bins) % bins;
  const high = (floor + 1) % bins;
  const [row, column] = [votes[y]!, votes[x]!];
  for (let dy = 0; dy < 2; dy++) {
    const cellY = row.first + dy;
    if (cellY < 0 || cellY >= cells) continue;
    const byRow = magnitude * (dy ? row.share : 1 - row.share);
    for (let dx = 0; dx < 2; dx++) {
      const cellX = column.first + dx;
      if (cellX < 0 || cellX >= cells) continue;
      const value = byRow * (dx ? column.share : 1 - column.share);
      const at = (cellY * cells + cellX) * bins;
      histogram[at + low] = histogram[at + low]! + value * (1 - share);
      histogram[at + high] = histogram[at + high]! + value * share;
    }
  }
}
