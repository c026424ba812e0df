import { expect, test } from 'vitest';
import { congruent } from '../../../../learning/numbers/linear-algebra.ts';
import { cholesky, scatter, solveLower } from '../../../../learning/numbers/matrix-loops.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

const random = makeRandom(11);
const gaussians = (length: number) => Float64Array.from({ length }, () => random.gaussian());
/** Lower triangular, with a diagonal that can be divided by. */
const triangle = (d: number) =>
  gaussians(d * d).map((value, at) => {
    const [i, j] = [Math.floor(at / d), at % d];
    return i === j ? 1 + Math.abs(value) : i > j ? value / d : 0;
  });

/** Sizes that leave something over when rows are taken by four and columns by two. */
const sizes = [
  [1, 1],
  [4, 2],
  [5, 3],
  [7, 6],
  [10, 9],
] as const;

test.each(sizes)('the scatter of %i rows of %i is the sum of their products', (n, d) => {
  const rows = gaussians(n * d);
  const sums = scatter(rows, d);
  for (let a = 0; a < d; a++)
    for (let b = 0; b < d; b++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += rows[i * d + a]! * rows[i * d + b]!;
      expect(sums[a * d + b]).toBeCloseTo(sum, 10);
    }
});

test.each(sizes)('L times the solution of %i rows of %i is the rows, which stay', (n, d) => {
  const [lower, rows] = [triangle(d), gaussians(n * d)];
  const before = rows.slice();
  const solved = solveLower(lower, rows, d);
  expect([rows, solved.length]).toEqual([before, n * d]);
  for (let row = 0; row < n; row++)
    for (let i = 0; i < d; i++) {
      let sum = 0;
      for (let k = 0; k <= i; k++) sum += lower[i * d + k]! * solved[row * d + k]!;
      expect(sum).toBeCloseTo(rows[row * d + i]!, 10);
    }
});

test.each([1, 3, 8])('whitened from both sides, the scatter of %i columns is that of whitened rows', (d) => {
  const [lower, rows] = [triangle(d), gaussians(9 * d)];
  const wanted = scatter(solveLower(lower, rows, d), d);
  for (const [at, value] of congruent(lower, scatter(rows, d), d).entries()) expect(value).toBeCloseTo(wanted[at]!, 8);
});

test.each([1, 2, 3, 4, 5, 8, 31])(
  'the Cholesky factor of %i x %i is lower triangular, and its square is the matrix',
  (d) => {
    const symmetric = scatter(gaussians(2 * d * d), d);
    const lower = cholesky(symmetric, d);
    for (let i = 0; i < d; i++)
      for (let j = 0; j < d; j++) {
        let entry = 0;
        for (let k = 0; k < d; k++) entry += lower[i * d + k]! * lower[j * d + k]!;
        expect(entry).toBeCloseTo(symmetric[i * d + j]!, 9);
        if (j > i) expect(lower[i * d + j]).toBe(0);
      }
  },
);

test.each([[[0]], [[1, 2, 2, 1]], [[Number.NaN]], [[4, 0, 0, -1e-9]]])(
  '%j is not positive definite, and has no Cholesky factor',
  (entries) => {
    expect(() => cholesky(Float64Array.from(entries), Math.sqrt(entries.length))).toThrow('not positive definite');
  },
);
