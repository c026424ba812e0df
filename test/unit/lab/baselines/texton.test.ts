import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pyramid, pyramidDistance, spatialPyramidTexton } from '../../../../lab/baselines/texton.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { describeBaseline, drawPictures } from '../../../support/baseline-sanity.ts';

const K = 3;
const textons = Float32Array.from({ length: K * 75 }, (_, i) => Math.sin(i) / 6);

test('a pyramid holds, level by level and cell by cell, the largest strengths of patches whose centres lie there', () => {
  const [picture] = drawPictures(1, 3);
  const pooled = pyramid(picture!, textons);
  expect(pooled).toHaveLength(21 * K);
  // Straight from the definition, for every cell by itself.
  const strengths: { x: number; y: number; values: number[] }[] = [];
  for (let y = 2; y <= 61; y += 2) {
    for (let x = 2; x <= 61; x += 2) {
      const ink: number[] = [];
      for (let dy = -2; dy <= 2; dy++)
        for (let dx = -2; dx <= 2; dx++)
          for (let c = 0; c < 3; c++) ink.push(1 - picture![((y + dy) * 64 + x + dx) * 3 + c]! / 255);
      const mean = ink.reduce((sum, value) => sum + value, 0) / 75;
      const length = Math.hypot(...ink.map((value) => value - mean));
      if (length < 0.02 * Math.sqrt(75)) continue;
      const distances = Array.from({ length: K }, (_, t) =>
        Math.hypot(...ink.map((value, i) => (value - mean) / length - textons[t * 75 + i]!)),
      );
      const average = distances.reduce((sum, value) => sum + value, 0) / K;
      strengths.push({ x, y, values: distances.map((distance) => Math.max(0, average - distance)) });
    }
  }
  let cell = 0;
  for (const [side, weight] of [
    [1, 1 / 4],
    [2, 1 / 4],
    [4, 1 / 2],
  ] as const) {
    const size = 64 / side;
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++, cell++) {
        const inside = strengths.filter(
          ({ x, y }) => x >= column * size && x < (column + 1) * size && y >= row * size && y < (row + 1) * size,
        );
        for (let t = 0; t < K; t++) {
          const most = Math.max(0, ...inside.map(({ values }) => values[t]!));
          expect(pooled[cell * K + t]).toBeCloseTo(weight * most, 5);
        }
      }
    }
  }
});

test('the distance of two histograms is that of the normalised intersection kernel', () => {
  const values = fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(values, values, (x, y) => {
      const [a, b] = [Float32Array.from(x), Float32Array.from(y)];
      const kernel = (p: Float32Array, q: Float32Array): number =>
        p.reduce((sum, value, i) => sum + Math.min(value, q[i]!), 0);
      fc.pre(kernel(a, a) > 0 && kernel(b, b) > 0);
      const expected = 1 - kernel(a, b) / Math.sqrt(kernel(a, a) * kernel(b, b));
      expect(pyramidDistance(a, b)).toBeCloseTo(Math.max(0, expected), 5);
    }),
  );
  expect(pyramidDistance(new Float32Array(5), new Float32Array(5))).toBe(0);
  expect(pyramidDistance(new Float32Array(5), Float32Array.of(1, 0, 0, 0, 0))).toBe(1);
});

test('a training set without anything on it says so', () => {
  const white = new Uint8Array(64 * 64 * 3).fill(255);
  expect(() => spatialPyramidTexton.fit([white], makeRandom(1))).toThrow('No picture shows anything');
});

describeBaseline('SPMK textons', spatialPyramidTexton);
