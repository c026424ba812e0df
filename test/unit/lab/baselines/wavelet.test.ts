import fc from 'fast-check';
import { expect, test } from 'vitest';
import { haar2d } from '../../../../lab/baselines/haar.ts';
import { wavelet } from '../../../../lab/baselines/wavelet.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { PICTURE_SIZE } from '../../../../learning/picture.ts';
import { describeBaseline } from '../../../support/baseline-sanity.ts';

describeBaseline('wavelet', wavelet);

/** Rows are the Haar functions, from their definition: [n, n]. */
function haarMatrix(n: number): number[][] {
  const rows = [new Array<number>(n).fill(1 / Math.sqrt(n))];
  for (let parts = 1; parts < n; parts *= 2) {
    const width = n / parts;
    for (let part = 0; part < parts; part++) {
      const sign = (x: number) => (x < 0 || x >= width ? 0 : x < width / 2 ? 1 : -1);
      rows.push(Array.from({ length: n }, (_, x) => sign(x - part * width) / Math.sqrt(width)));
    }
  }
  return rows;
}

const square = fc
  .integer({ min: 0, max: 4 })
  .map((level) => 2 ** level)
  .chain((side) =>
    fc.record({
      side: fc.constant(side),
      values: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: side * side, maxLength: side * side }),
    }),
  );

test('the transform is H X H^T with the Haar functions as the rows of H, and keeps the energy', () => {
  fc.assert(
    fc.property(square, ({ side, values }) => {
      const h = haarMatrix(side);
      const transformed = haar2d(Float64Array.from(values), side);
      for (let i = 0; i < side; i++) {
        for (let j = 0; j < side; j++) {
          let sum = 0;
          for (let y = 0; y < side; y++)
            for (let x = 0; x < side; x++) sum += h[i]![y]! * values[y * side + x]! * h[j]![x]!;
          expect(transformed[i * side + j]).toBeCloseTo(sum, 9);
        }
      }
      const energy = (all: Iterable<number>) => Array.from(all).reduce((sum, value) => sum + value * value, 0);
      expect(energy(transformed)).toBeCloseTo(energy(values), 9);
    }),
    { numRuns: 25 },
  );
});

test('a side that is no power of two is refused', () => {
  expect(() => haar2d(new Float64Array(9), 3)).toThrow('power of two');
  expect(() => haar2d(new Float64Array(8), 4)).toThrow('power of two');
});

/** Black where `inside`, white elsewhere. */
function blackOnWhite(inside: (x: number, y: number) => boolean): Uint8Array {
  const picture = new Uint8Array(PICTURE_SIZE * PICTURE_SIZE * 3).fill(255);
  for (let y = 0; y < PICTURE_SIZE; y++) {
    for (let x = 0; x < PICTURE_SIZE; x++) if (inside(x, y)) picture.fill(0, (y * 64 + x) * 3, (y * 64 + x) * 3 + 3);
  }
  return picture;
}

test('halves of a picture: one coefficient, whose sign says which half', () => {
  const { represent, distance } = wavelet.fit([], makeRandom(1));
  const left = represent(blackOnWhite((x) => x < 32));
  const right = represent(blackOnWhite((x) => x >= 32));
  const top = represent(blackOnWhite((_, y) => y < 32));
  // Y alone has a coefficient, at row 0 and column 1: the left is darker.
  [0.5, 0, 0, -1, 0].forEach((value, i) => {
    expect(left[i]).toBeCloseTo(value, 6);
  });
  expect(right[3]).toBe(1);
  expect(top[3]).toBe(-64);
  expect(left.subarray(3).filter((value) => value !== 0)).toHaveLength(1);
  // Equal means; two coefficients of level 1 in Y that are not shared, at half their weight of 0.83.
  expect(distance(left, right)).toBeCloseTo(0.83, 6);
  expect(distance(left, top)).toBeCloseTo(0.83, 6);
  // One coefficient of level 1, and a mean of Y of 1/2 at weight 5.
  expect(distance(left, represent(blackOnWhite(() => false)))).toBeCloseTo(2.5 + 0.83 / 2, 6);
  // Quarters: (0, 1), (1, 0), (1, 1) are all of level 1; with the left half (0, 1) is shared. Means are 3/4 and 1/2.
  const quarter = represent(blackOnWhite((x, y) => x < 32 && y < 32));
  expect(distance(left, quarter)).toBeCloseTo(5 / 4 + 0.83, 6);
});

test('the finer of the two levels decides the weight', () => {
  const { represent, distance } = wavelet.fit([], makeRandom(1));
  const white = represent(blackOnWhite(() => false));
  for (const [period, weight] of [
    [32, 1.01],
    [16, 0.52],
    [8, 0.47],
    [4, 0.3],
    [2, 0.3],
  ] as const) {
    // Stripes have 64 / period coefficients of one level, of which 40 are kept at most (here at most 32).
    const stripes = represent(blackOnWhite((x) => x % period < period / 2));
    expect(distance(white, stripes)).toBeCloseTo(2.5 + ((64 / period) * weight) / 2, 5);
  }
});
