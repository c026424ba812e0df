import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fisherGradients, fisherVector } from '../../../../lab/baselines/fisher.ts';
import { fitMixture, type Mixture, makePosterior } from '../../../../lab/baselines/gaussian-mixture.ts';
import { fitPrincipalComponents, projectRows } from '../../../../lab/baselines/principal-components.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { describeBaseline } from '../../../support/baseline-sanity.ts';

describeBaseline('Fisher vector', fisherVector);

/** Rows of three Gaussians in 2-D with different widths, 2 : 1 : 1. */
function drawRows(n: number, seed: number): Float32Array {
  const random = makeRandom(seed);
  const sources = [
    { mean: [0, 0], width: [1, 0.5] },
    { mean: [0, 0], width: [1, 0.5] },
    { mean: [6, 1], width: [0.5, 2] },
    { mean: [-4, 5], width: [1, 1] },
  ];
  return Float32Array.from(
    Array.from({ length: n }, () => {
      const { mean, width } = sources[random.int(4)]!;
      return mean.map((value, i) => value + width[i]! * random.gaussian());
    }).flat(),
  );
}

/** Mean of ln sum_k w_k prod_i N(x_i; mean, deviation), with nothing but the definition of the density. */
function meanLogLikelihood(mixture: Mixture, rows: Float32Array): number {
  const { d, weights, means, variances } = mixture;
  let total = 0;
  for (let from = 0; from < rows.length; from += d) {
    let density = 0;
    weights.forEach((weight, k) => {
      let product = weight;
      for (let i = 0; i < d; i++) {
        const [mean, variance] = [means[k * d + i]!, variances[k * d + i]!];
        product *= Math.exp(-((rows[from + i]! - mean) ** 2) / (2 * variance)) / Math.sqrt(2 * Math.PI * variance);
      }
      density += product;
    });
    total += Math.log(density);
  }
  return total / (rows.length / d);
}

test('the likelihood never falls from round to round, and the Gaussians that drew the rows are found', () => {
  const rows = drawRows(2000, 3);
  // A second run with more components than there are clusters takes more rounds.
  for (const k of [3, 6]) {
    const likelihoods = [0, 1, 2, 3, 5, 8, 12].map((iterations) =>
      meanLogLikelihood(fitMixture(rows, 2, k, makeRandom(9), { iterations }), rows),
    );
    for (let i = 1; i < likelihoods.length; i++) {
      expect(likelihoods[i]).toBeGreaterThanOrEqual(likelihoods[i - 1]! - 1e-9);
    }
  }
  const { weights, means, variances } = fitMixture(rows, 2, 3, makeRandom(9));
  const large = weights.indexOf(Math.max(...weights));
  expect(Math.abs(weights[large]! - 0.5)).toBeLessThan(0.05);
  [0, 0].forEach((mean, i) => {
    expect(Math.abs(means[2 * large + i]! - mean)).toBeLessThan(0.15);
  });
  [1, 0.25].forEach((variance, i) => {
    expect(Math.abs(variances[2 * large + i]! / variance - 1)).toBeLessThan(0.2);
  });
});

test('variances have a floor where rows do not vary, and fewer different rows than components are no trouble', () => {
  const rows = Float32Array.from([1, 1, 1, 1, 1, 1, 3, 1]);
  const mixture = fitMixture(rows, 2, 4, makeRandom(2));
  expect(mixture.variances.every((variance) => variance > 0)).toBe(true);
  expect(mixture.weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 9);
  expect(fisherGradients(mixture, rows).every(Number.isFinite)).toBe(true);
});

test('posteriors sum to 1 and the density is right, also where it underflows', () => {
  const mixture = fitMixture(drawRows(500, 1), 2, 3, makeRandom(9));
  const posterior = makePosterior(mixture);
  fc.assert(
    fc.property(fc.tuple(fc.integer({ min: -8, max: 8 }), fc.integer({ min: -8, max: 8 })), (row) => {
      const shares = new Float64Array(3);
      const density = posterior(Float32Array.from(row), shares);
      expect(shares.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9);
      const expected = meanLogLikelihood(mixture, Float32Array.from(row));
      if (Number.isFinite(expected)) expect(density).toBeCloseTo(expected, 6);
    }),
  );
  const shares = new Float64Array(3);
  expect(Number.isFinite(posterior(Float32Array.of(1e4, -1e4), shares))).toBe(true);
  expect(shares.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9);
});

test('the Fisher vector is the gradient of the mean log-likelihood over the root of its information', () => {
  const mixture = fitMixture(drawRows(500, 1), 2, 3, makeRandom(9));
  const rows = drawRows(40, 2);
  const gradients = fisherGradients(mixture, rows);
  const { weights, means, variances } = mixture;
  expect(gradients).toHaveLength(2 * means.length);
  const small = 1e-5;
  const changed = (at: number, meanBy: number, deviationBy: number): number =>
    meanLogLikelihood(
      {
        ...mixture,
        means: means.map((value, i) => (i === at ? value + meanBy : value)),
        variances: variances.map((value, i) => (i === at ? (Math.sqrt(value) + deviationBy) ** 2 : value)),
      },
      rows,
    );
  means.forEach((_, at) => {
    const weight = weights[Math.floor(at / 2)]!;
    const byMean = (changed(at, small, 0) - changed(at, -small, 0)) / (2 * small);
    expect(gradients[at]).toBeCloseTo(byMean / Math.sqrt(weight / variances[at]!), 6);
    const byDeviation = (changed(at, 0, small) - changed(at, 0, -small)) / (2 * small);
    expect(gradients[means.length + at]).toBeCloseTo(byDeviation / Math.sqrt((2 * weight) / variances[at]!), 6);
  });
  expect(fisherGradients(mixture, new Float32Array(0)).every((value) => value === 0)).toBe(true);
});

test('principal components: uncorrelated, by falling variance, and all of them keep distances', () => {
  const random = makeRandom(4);
  const rows = Float32Array.from(
    Array.from({ length: 300 }, () => {
      const [a, b, c] = [3 * random.gaussian(), random.gaussian(), 0.3 * random.gaussian()];
      return [5 + a + b, a - b + c, 2 * c];
    }).flat(),
  );
  const projected = projectRows(fitPrincipalComponents(rows, 3, 10), rows);
  const moment = (i: number, j: number): number => {
    let sum = 0;
    for (let from = 0; from < projected.length; from += 3) sum += projected[from + i]! * projected[from + j]!;
    return sum / 300;
  };
  for (const [i, j] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const) {
    expect(moment(i, j)).toBeCloseTo(0, 4);
    expect(moment(i, i)).toBeGreaterThan(moment(j, j));
  }
  const length = (values: Float32Array, a: number, b: number) =>
    Math.hypot(...[0, 1, 2].map((i) => values[3 * a + i]! - values[3 * b + i]!));
  for (const other of [1, 7, 99]) expect(length(projected, 0, other)).toBeCloseTo(length(rows, 0, other), 4);
  const first = projectRows(fitPrincipalComponents(rows, 3, 1), rows);
  first.forEach((value, i) => {
    expect(value).toBe(projected[3 * i]);
  });
  expect(() => fitPrincipalComponents(new Float32Array(4), 3, 1)).toThrow('not rows of 3');
});
