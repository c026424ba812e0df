import { expect, test } from 'vitest';
import { completed, leadingEigenpairs, mainDirections } from '../../../../learning/numbers/linear-algebra.ts';
import { scatter } from '../../../../learning/numbers/matrix-loops.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { applyBlock, fitPower, fitWhitening } from '../../../../learning/whitening/whitening.ts';

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/** Rows whose variance falls with the column. */
function falling(n: number, d: number): Float64Array {
  const random = makeRandom(7);
  return Float64Array.from({ length: n * d }, (_, at) => random.gaussian() / (1 + (at % d)) ** 0.7);
}

test.each([
  [300, 120],
  [120, 300],
])('main directions of %i x %i are those of the exact decomposition', (n, d) => {
  const rows = falling(n, d);
  const exact = leadingEigenpairs(scatter(rows, d), d, 12);
  const found = mainDirections(rows, d, 12);
  expect(found).toHaveLength(12);
  for (const [i, { value, vector }] of found.entries()) {
    expect(value / exact[i]!.value).toBeCloseTo(1, 3);
    if (i < 8) expect(Math.abs(dot(vector, exact[i]!.vector))).toBeGreaterThan(0.99);
  }
});

test('rows that are all alike have no direction', () => {
  expect(mainDirections(new Float64Array(20 * 30), 30, 5)).toEqual([]);
});

test('a basis is filled up with directions at right angles, and what was given stays', () => {
  const given = mainDirections(falling(40, 25), 25, 3).map(({ vector }) => vector);
  const all = completed(given, 25, 9);
  for (const [i, a] of all.entries()) {
    for (const [j, b] of all.entries()) expect(dot(a, b)).toBeCloseTo(Number(i === j), 9);
    if (given[i]) expect(dot(a, given[i])).toBeCloseTo(1, 9);
  }
});

test('the power holds back what varies much: variances become v^(1 + 2 power), relative to the first', () => {
  const [n, d] = [600, 40];
  const samples = Float32Array.from(falling(n, d), (value) => value + 3);
  const { mean, projection } = fitPower(samples, d, { power: -0.25, keep: 4 });
  const covariance = scatter(
    Float64Array.from(samples, (value, at) => value - mean[at % d]!),
    d,
  );
  const exact = leadingEigenpairs(covariance, d, 4).map(({ value }) => value);
  for (let row = 0; row < 4; row++) {
    const own = projection.subarray(row * d, (row + 1) * d);
    let variance = 0;
    for (let a = 0; a < d; a++) for (let b = 0; b < d; b++) variance += own[a]! * covariance[a * d + b]! * own[b]!;
    expect(variance / (exact[0]! * (exact[row]! / exact[0]!) ** 0.5)).toBeCloseTo(1, 2);
  }
});

test.each([0, 3, 12, 40])('of %i samples it still tells things apart that none of them shows', (n) => {
  const [d, keep] = [400, 64];
  const random = makeRandom(9);
  const feature = (): Float32Array => Float32Array.from({ length: d }, () => random.gaussian());
  const samples = Float32Array.from({ length: n * d }, () => random.gaussian());
  const block = fitPower(samples, d, { power: -0.25, keep });
  expect(block.projection).toHaveLength(keep * d);
  for (let pair = 0; pair < 20; pair++) {
    const [a, b] = [feature(), feature()];
    const near = a.map((value) => value + 0.1 * random.gaussian());
    const [va, vb, vn] = [a, b, near].map((each) => applyBlock(block, each)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    expect(dot(va, vn)).toBeGreaterThan(0.9);
    expect(dot(va, vb)).toBeLessThan(0.6);
  }
});

test('of a long feature, too, the noise within identities becomes white', () => {
  const [n, d, shrinkage] = [200, 1001, 0.5];
  const random = makeRandom(11);
  const samples = Float32Array.from({ length: n * d }, (_, at) =>
    at % d < 30 ? random.gaussian() / (1 + (at % d)) : 0,
  );
  const identities = Int32Array.from({ length: n }, (_, i) => i >> 1);
  const { projection } = fitWhitening(samples, identities, d, { shrinkage, keep: 3 });
  // Two views each: their difference has twice the variance of the noise.
  const differences = Float64Array.from({ length: (n / 2) * d }, (_, at) => {
    const [pair, j] = [Math.floor(at / d), at % d];
    return (samples[2 * pair * d + j]! - samples[(2 * pair + 1) * d + j]!) / Math.SQRT2;
  });
  const within = scatter(differences, d).map((value) => value / (n / 2));
  let trace = 0;
  for (let i = 0; i < d; i++) trace += within[i * d + i]!;
  const row = (i: number) => projection.subarray(i * d, (i + 1) * d);
  const noise = (a: Float32Array, b: Float32Array): number => {
    let sum = (shrinkage * trace * dot(a, b)) / d;
    for (let i = 0; i < d; i++) sum += (1 - shrinkage) * a[i]! * dot(within.subarray(i * d, (i + 1) * d), b);
    return sum;
  };
  for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) expect(noise(row(i), row(j))).toBeCloseTo(Number(i === j), 2);
});
