import { PICTURE_SIZE, type Picture } from '@simili/learning/picture';

const cells = 4;
const orientations = 8;

/** Length of a descriptor: 4 x 4 cells in rows of 8 orientations. */
export const descriptorLength = cells * cells * orientations;

/** Sides of a cell in pixels, even: windows of 16, 24 and 32 px, a quarter to a half of the picture. */
const cellSides = [4, 6, 8];
/** Pixels between windows. */
const step = 4;
/** Mean length of the gradient in a window, in ink per pixel: with less there is only noise to describe. */
const LEAST_CONTRAST = 0.01;
/** No cell counts for more, before the square root (Lowe). */
const CLIP = 0.2;

/**
 * Descriptors after SIFT (Lowe 2004) on a dense grid in three sizes, upright: gradients of grey ink pooled over 4 x 4
 * cells with linear shares, clipped; then the square root of the L1-normalised values (RootSIFT, Arandjelovic and
 * Zisserman 2012). Windows without contrast are left out.
 * @returns [n, 128] row-major, each of unit length; n <= 371, and 0 for a white picture
 */
export function denseDescriptors(picture: Picture): Float32Array {
  const gradients = gradientPlanes(picture);
  const found: Float32Array[] = [];
  for (const side of cellSides) {
    const pooled = pool(gradients, side);
    const last = PICTURE_SIZE - cells * side;
    for (let top = 0; top <= last; top += step) {
      for (let left = 0; left <= last; left += step) {
        const descriptor = describe(pooled, top, left, side);
        if (descriptor) found.push(descriptor);
      }
    }
  }
  const rows = new Float32Array(found.length * descriptorLength);
  found.forEach((descriptor, row) => {
    rows.set(descriptor, row * descriptorLength);
  });
  return rows;
}

/** Length of the gradient of each pixel in its two nearest of 8 directions, in ink (0..1) per pixel: [64, 64, 8]. */
function gradientPlanes(picture: Picture): Float32Array {
  const planes = new Float32Array(PICTURE_SIZE * PICTURE_SIZE * orientations);
  for (let y = 0, at = 0; y < PICTURE_SIZE; y++) {
    for (let x = 0; x < PICTURE_SIZE; x++, at += orientations) {
      const gx = (inkAt(picture, x + 1, y) - inkAt(picture, x - 1, y)) / 2;
      const gy = (inkAt(picture, x, y + 1) - inkAt(picture, x, y - 1)) / 2;
      if (gx === 0 && gy === 0) continue;
      const magnitude = Math.hypot(gx, gy);
      const turn = Math.atan2(gy, gx) / (2 * Math.PI);
      const position = (turn < 0 ? turn + 1 : turn) * orientations;
      const share = position - Math.floor(position);
      const low = Math.floor(position) % orientations;
      planes[at + low] = magnitude * (1 - share);
      planes[at + ((low + 1) % orientations)] = magnitude * share;
    }
  }
  return planes;
}

/** Mean ink of the channels, 0..1; outside there is white. */
function inkAt(picture: Picture, x: number, y: number): number {
  if (x < 0 || y < 0 || x >= PICTURE_SIZE || y >= PICTURE_SIZE) return 0;
  const at = (y * PICTURE_SIZE + x) * 3;
  return (765 - picture[at]! - picture[at + 1]! - picture[at + 2]!) / 765;
}

/**
 * Weighted means around every corner [y, x] between four pixels, [64, 64, 8] with corner [y, x] at the lower right of
 * pixel [y, x]. Weights fall linearly to 0 at `side` pixels along either axis, which shares a gradient between
 * neighbouring cells.
 */
function pool(planes: Float32Array, side: number): Float32Array {
  const alongX = poolLines(planes, side, orientations, PICTURE_SIZE * orientations);
  return poolLines(alongX, side, PICTURE_SIZE * orientations, orientations);
}

function poolLines(planes: Float32Array, side: number, stride: number, across: number): Float32Array {
  const pooled = new Float32Array(planes.length);
  for (let to = 0; to < PICTURE_SIZE; to++) {
    const [first, last] = [Math.max(0, to - side + 1), Math.min(PICTURE_SIZE - 1, to + side)];
    for (let from = first; from <= last; from++) {
      const weight = (1 - Math.abs(from - to - 0.5) / side) / side;
      for (let line = 0; line < PICTURE_SIZE; line++) {
        const [source, target] = [from * stride + line * across, to * stride + line * across];
        for (let o = 0; o < orientations; o++) {
          pooled[target + o] = pooled[target + o]! + weight * planes[source + o]!;
        }
      }
    }
  }
  return pooled;
}

/** The window whose upper left pixel is [top, left]; nothing where it has no contrast. */
function describe(pooled: Float32Array, top: number, left: number, side: number): Float32Array | undefined {
  const descriptor = new Float32Array(descriptorLength);
  for (let row = 0, to = 0; row < cells; row++) {
    // The centre of a cell is a corner between pixels, as its side is even.
    const y = top + row * side + side / 2 - 1;
    for (let column = 0; column < cells; column++, to += orientations) {
      const from = (y * PICTURE_SIZE + left + column * side + side / 2 - 1) * orientations;
      descriptor.set(pooled.subarray(from, from + orientations), to);
    }
  }
  const sum = descriptor.reduce((total, value) => total + value, 0);
  return sum / (cells * cells) < LEAST_CONTRAST ? undefined : rootSift(descriptor);
}

/** Clipped at 0.2 of the length, L1-normalised, square roots; in place. */
function rootSift(descriptor: Float32Array): Float32Array {
  const clip = CLIP * Math.sqrt(descriptor.reduce((total, value) => total + value * value, 0));
  let sum = 0;
  for (let i = 0; i < descriptorLength; i++) {
    descriptor[i] = Math.min(clip, descriptor[i]!);
    sum += descriptor[i]!;
  }
  for (let i = 0; i < descriptorLength; i++) descriptor[i] = Math.sqrt(descriptor[i]! / sum);
  return descriptor;
}
