import { expect, test } from 'vitest';
import { leastSquaresMap } from '../../../../learning/numbers/least-squares.ts';
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
