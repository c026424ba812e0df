import { expect, test } from 'vitest';
import { leastSquaresMap } from '../../../../learning/numbers/least-squares.ts';
import { timesVector } from '../../../../learning/numbers/matrix-loops.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

const random = makeRandom(2);
const gaussians = (n: number) => Float32Array.from({ length: n }, () => random.gaussian());

test('finds the map that made some rows of others, and the nearest where there is none', () => {
  const [m, d, k] = [4, 9, 3];
  const from = gaussians(m * d);
  const map = gaussians(k * m);
  const made = Float32Array.from({ length: k * d }, (_, at) => {
    const [row, column] = [Math.floor(at / d), at % d];
    return [0, 1, 2, 3].reduce((sum, i) => sum + map[row * m + i]! * from[i * d + column]!, 0);
  });
  const found = leastSquaresMap(from, made, d);
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(map[i]!, 4);
  });
  // What is orthogonal to all of them gives nothing.
  const across = leastSquaresMap(Float32Array.of(1, 0, 0, 0, 1, 0), Float32Array.of(0, 0, 5), 3);
  expect([...across]).toEqual([0, 0]);
});

test('a matrix times a vector, from a start, is what each row gives by itself', () => {
  for (const n of [1, 4, 7]) {
    const d = 5;
    const [matrix, x, start] = [gaussians(n * d), Float64Array.from(gaussians(d)), gaussians(n)];
    const wanted = Array.from({ length: n }, (_, row) => x.reduce((sum, v, i) => sum + matrix[row * d + i]! * v, 0));
    timesVector(matrix, x).forEach((value, row) => {
      expect(value).toBeCloseTo(wanted[row]!, 5);
    });
    const before = start.slice();
    timesVector(matrix, x, start).forEach((value, row) => {
      expect(value).toBeCloseTo(start[row]! + wanted[row]!, 5);
    });
    expect(start).toEqual(before);
  }
});
