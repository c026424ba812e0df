import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { GOLDEN, goldenOf, goldenPlace } from '../../../../learning/features/golden.ts';
import { handMadeFeatures } from '../../../../learning/features/index.ts';
import { toHalf } from '../../../../learning/numbers/half.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import type { Picture } from '../../../../learning/picture.ts';

type Colour = readonly [number, number, number];
const paint = (colourAt: (x: number, y: number) => Colour): Picture =>
  Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => colourAt(Math.floor(i / 3) % 64, Math.floor(i / 192))[i % 3]!);
const white: Colour = [255, 255, 255];
const black: Colour = [0, 0, 0];
const random = makeRandom(2);
const noise = paint(() => [random.int(256), random.int(256), random.int(256)]);
const { hog, pixels, colour } = handMadeFeatures;

test.each(Object.entries(handMadeFeatures))('%s has unit length, and a white picture gives zeros', (_name, feature) => {
  const vector = feature.extract(noise);
  expect(vector).toHaveLength(feature.length);
  expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
  expect(feature.extract(paint(() => white))).toEqual(new Float32Array(feature.length));
});

test('stored side by side they are what they are, and what is stored under an id never changes', () => {
  const all = goldenOf(noise);
  expect(all).toHaveLength(GOLDEN.dimensions);
  for (const name of ['hog', 'pixels', 'colour'] as const) {
    const { start, length } = goldenPlace(name);
    expect(all.subarray(start, start + length)).toEqual(handMadeFeatures[name].extract(noise));
  }
  // Another hash is another feature: then GOLDEN.id must change with it, or catalogs would mix the two.
  const stored = createHash('sha256').update(toHalf(all)).digest('hex').slice(0, 16);
  expect([GOLDEN.id, stored]).toEqual(['golden@1', 'f7dd20055a8d1938']);
});

test('pixels are means of 4 x 4 pixels of ink', () => {
  const vector = pixels.extract(noise);
  const mean = (row: number, column: number, channel: number) => {
    let sum = 0;
    for (let i = 0; i < 16; i++) sum += 255 - noise[((row * 4 + (i >> 2)) * 64 + column * 4 + (i & 3)) * 3 + channel]!;
    return sum / 16 / 255;
  };
  const expected = Array.from({ length: 768 }, (_, i) => mean(Math.floor(i / 48), Math.floor(i / 3) % 16, i % 3));
  const norm = Math.hypot(...expected);
  vector.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]! / norm, 5);
  });
});

test('colours are counted by bin, without white', () => {
  // A quarter red, a sixteenth dark blue, the rest white.
  const vector = colour.extract(
    paint((x, y) => (x < 32 && y < 32 ? [255, 0, 0] : x >= 48 && y >= 48 ? [0, 0, 100] : white)),
  );
  const expected = new Float32Array(64);
  expected[3 * 16] = Math.sqrt(0.8);
  expected[1] = Math.sqrt(0.2);
  vector.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 6);
  });
});

/** The definition again: every pixel gives every cell and bin a share by a triangle of its width. */
function slowHog(picture: Picture): number[] {
  const ink = (x: number, y: number) => {
    if (x < 0 || y < 0 || x > 63 || y > 63) return 0;
    return [0, 1, 2].reduce((sum, c) => sum + 1 - picture[(y * 64 + x) * 3 + c]! / 255, 0) / 3;
  };
  const sums = new Array<number>(576).fill(0);
  for (let y = 0; y < 64; y++) {
    for (let x = 0; x < 64; x++) {
      const [gx, gy] = [ink(x + 1, y) - ink(x - 1, y), ink(x, y + 1) - ink(x, y - 1)];
      const degrees = ((Math.atan2(gy, gx) * 180) / Math.PI + 360) % 180;
      for (let i = 0; i < 576; i++) {
        const [row, column, bin] = [Math.floor(i / 72), Math.floor(i / 9) % 8, i % 9];
        const turn = Math.abs(degrees - (bin * 20 + 10));
        const share = (distance: number, width: number) => Math.max(0, 1 - distance / width);
        const place = share(Math.abs(x + 0.5 - (column * 8 + 4)), 8) * share(Math.abs(y + 0.5 - (row * 8 + 4)), 8);
        sums[i]! += Math.hypot(gx, gy) * place * share(Math.min(turn, 180 - turn), 20);
      }
    }
  }
  const roots = sums.map(Math.sqrt);
  return roots.map((value) => value / Math.hypot(...roots));
}

test('gradients are shared between cells and orientations as the definition says', () => {
  const expected = slowHog(noise);
  hog.extract(noise).forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
});

test('an upright edge votes for horizontal gradients in the cells around it', () => {
  const vector = hog.extract(paint((x) => (x < 32 ? black : white)));
  // Angle 0 lies between the first and the last bin; the outer border of the black half is an edge as well.
  const middle = Array.from({ length: 9 }, (_, bin) => vector[(4 * 8 + 3) * 9 + bin]!);
  expect(middle[0]).toBeCloseTo(middle[8]!, 6);
  expect(middle.slice(1, 8)).toEqual(new Array(7).fill(0));
  expect(middle[0]).toBeGreaterThan(0.05);
  expect(vector[(4 * 8 + 6) * 9]).toBe(0);
});
