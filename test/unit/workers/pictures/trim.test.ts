import fc from 'fast-check';
import { expect, test } from 'vitest';
import { areaAverage } from '../../../../workers/pictures/area-average.ts';
import type { Raster } from '../../../../workers/pictures/raster.ts';
import { inkBox, trimToSquare } from '../../../../workers/pictures/trim.ts';

const WHITE = [255, 255, 255] as const;
const raster = fc
  .record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
  })
  .chain(({ width, height }) =>
    fc
      .uint8Array({
        minLength: width * height * 3,
        maxLength: width * height * 3,
      })
      .map((pixels): Raster => ({ pixels, width, height })),
  );

test('ink is what differs from the background by more than 10 in any channel', () => {
  const pixels = new Uint8Array(5 * 4 * 3).fill(255);
  const set = (x: number, y: number, channel: number, value: number) => {
    pixels[(y * 5 + x) * 3 + channel] = value;
  };
  set(0, 0, 0, 245); // 10: noise
  const whole = { left: 0, top: 0, right: 5, bottom: 4 };
  expect(inkBox({ pixels, width: 5, height: 4 }, WHITE, whole)).toBeNull();
  set(1, 2, 1, 244);
  set(3, 1, 2, 0);
  expect(inkBox({ pixels, width: 5, height: 4 }, WHITE, whole)).toEqual({
    left: 1,
    top: 1,
    right: 4,
    bottom: 3,
  });
});

test('area averages equal a fine grid of point samples', () => {
  const box = fc.record({
    left: fc.integer({ min: -4, max: 4 }),
    top: fc.integer({ min: -4, max: 4 }),
    side: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(raster, box, fc.integer({ min: 1, max: 4 }), (source, { left, top, side }, most) => {
      const size = Math.min(most, side); // no enlargement
      const got = areaAverage(source, WHITE, { left, top, right: left + side, bottom: top + side }, size);
      for (const [at, value] of got.entries()) {
        expect(Math.abs(value - sampled(source, left, top, side, size, at))).toBeLessThanOrEqual(0.5 + 1e-6);
      }
    }),
    { numRuns: 60 },
  );
});

test('enlarging is linear interpolation between the centres of pixels', () => {
  const channel = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(fc.array(channel, { minLength: 4, maxLength: 4 }), fc.integer({ min: 3, max: 12 }), (values, size) => {
      const pixels = Uint8Array.from(values.flatMap((value) => [value, value, value]));
      const box = { left: 0.5, top: 0.5, right: 1.5, bottom: 1.5 }; // from centre to centre of 2 x 2 pixels
      const got = areaAverage({ pixels, width: 2, height: 2 }, WHITE, box, size);
      const [a, b, c, d] = values as [number, number, number, number];
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const [u, v] = [(x + 0.5) / size, (y + 0.5) / size];
          const wanted = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d);
          expect(Math.abs(got[(y * size + x) * 3]! - wanted)).toBeLessThanOrEqual(0.5 + 1e-6);
        }
      }
    }),
  );
});

test('an enlarged colour stays that colour, and background stays background', () => {
  const pixels = new Uint8Array(9 * 9 * 3).fill(255);
  for (let y = 3; y < 6; y++) for (let x = 3; x < 6; x++) pixels.set([10, 20, 30], (y * 9 + x) * 3);
  const square = trimToSquare({ pixels, width: 9, height: 9 }, WHITE, 225);
  const at = (x: number, y: number) => [...square.subarray((y * 225 + x) * 3, (y * 225 + x) * 3 + 3)];
  expect(at(112, 112)).toEqual([10, 20, 30]);
  // From ink to background over one pixel of the raster: 71 of the square, round the ink's border at 6.4.
  const edge = Array.from({ length: 60 }, (_, x) => at(x, 112)[0]!);
  for (let x = 1; x < edge.length; x++) expect(edge[x]!).toBeLessThanOrEqual(edge[x - 1]!);
  expect(Math.abs(edge[6]! - (255 + 10) / 2)).toBeLessThan(4);
  expect(edge.at(-1)).toBe(10);
});

/** Independent of `areaAverage`: side x side points per output pixel, one per cell of a grid that whole pixels fit into. */
function sampled(
  { pixels, width, height }: Raster,
  left: number,
  top: number,
  side: number,
  size: number,
  at: number,
): number {
  const [channel, x, y] = [at % 3, Math.floor(at / 3) % size, Math.floor(at / 3 / size)];
  let sum = 0;
  for (let j = 0; j < side; j++) {
    for (let i = 0; i < side; i++) {
      const sx = Math.floor(left + (x + (i + 0.5) / side) * (side / size));
      const sy = Math.floor(top + (y + (j + 0.5) / side) * (side / size));
      const inside = sx >= 0 && sy >= 0 && sx < width && sy < height;
      sum += inside ? (pixels[(sy * width + sx) * 3 + channel] as number) : 255;
    }
  }
  return sum / side ** 2;
}

test('room around the ink does not matter', () => {
  const thing = (width: number, height: number, left: number, top: number): Raster => {
    const pixels = new Uint8Array(width * height * 3).fill(255);
    for (let y = 0; y < 6; y++) {
      for (let x = 0; x < 9; x++) pixels.set([20 * x, 30 * y, 7], ((top + y) * width + left + x) * 3);
    }
    return { pixels, width, height };
  };
  expect(trimToSquare(thing(40, 30, 25, 3), WHITE, 16)).toEqual(trimToSquare(thing(11, 8, 1, 1), WHITE, 16));
});
