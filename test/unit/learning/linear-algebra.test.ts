import { expect, test } from 'vitest';
import { congruent } from '../../../learning/numbers/linear-algebra.ts';
import { scatter, solveLower } from '../../../learning/numbers/matrix-loops.ts';
import { makeRandom } from '../../../learning/numbers/random.ts';

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
