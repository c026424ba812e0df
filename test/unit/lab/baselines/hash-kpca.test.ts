import { describe, expect, test } from 'vitest';
import { fitKernelPca } from '../../../../lab/baselines/kernel-pca.ts';
import { l1HashKpca } from '../../../../lab/baselines/l1-hash-kpca.ts';
import { agreement, makeMinHasher, weightedJaccard } from '../../../../lab/baselines/min-hash.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { describeBaseline } from '../../../support/baseline-sanity.ts';

describe('weighted min-hash', () => {
  test('agrees as often as the weighted Jaccard says, within four standard errors', () => {
    const random = makeRandom(6);
    const hashes = 20_000;
    const hasher = makeMinHasher(30, hashes, 4);
    for (const density of [0.2, 0.6, 1]) {
      const draw = (): Float32Array =>
        Float32Array.from({ length: 30 }, () => (random.next() < density ? random.next() ** 3 : 0));
      const a = draw();
      const b = a.map((value) => (random.next() < 0.5 ? value : random.next() * density));
      const expected = weightedJaccard(a, b);
      const error = Math.sqrt((expected * (1 - expected)) / hashes);
      expect(Math.abs(agreement(hasher.hash(a), hasher.hash(b)) - expected)).toBeLessThan(4 * error + 1e-9);
    }
  });

  test('is consistent: the same vector the same samples, and what is absent changes nothing', () => {
    const hasher = makeMinHasher(4, 200, 1);
    const samples = hasher.hash(Float32Array.of(0.5, 0, 0.25, 0));
    expect(makeMinHasher(4, 200, 1).hash(Float32Array.of(0.5, 0, 0.25, 0))).toEqual(samples);
    expect(makeMinHasher(4, 200, 2).hash(Float32Array.of(0.5, 0, 0.25, 0))).not.toEqual(samples);
    expect(agreement(samples, hasher.hash(Float32Array.of(0, 1, 0, 1)))).toBe(0);
  });

  test('worked examples of the weighted Jaccard', () => {
    expect(weightedJaccard(Float32Array.of(1, 2, 0), Float32Array.of(2, 1, 1))).toBeCloseTo(2 / 5, 6);
    expect(weightedJaccard(Float32Array.of(1, 0), Float32Array.of(0, 1))).toBe(0);
    expect(weightedJaccard(new Float32Array(2), new Float32Array(2))).toBe(1);
  });
});

describe('kernel PCA', () => {
  const random = makeRandom(3);
  const m = 12;
  const points = Array.from({ length: m }, () => Array.from({ length: 4 }, () => random.gaussian()));
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const kernel = Float64Array.from({ length: m * m }, (_, at) => dot(points[Math.floor(at / m)]!, points[at % m]!));

  test('of a linear kernel keeps all distances, of landmarks and of other points, and no more directions than there are', () => {
    const { length, embed } = fitKernelPca(kernel, m, 10);
    expect(length).toBe(4);
    const embedded = [...points, [1, -1, 0.5, 2]].map((point) => embed(points.map((landmark) => dot(point, landmark))));
    const squared = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
      let sum = 0;
      for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
      return sum;
    };
    for (const [i, j] of [
      [0, 1],
      [3, 11],
      [2, 12],
    ] as const) {
      const [a, b] = [[...points, [1, -1, 0.5, 2]][i]!, [...points, [1, -1, 0.5, 2]][j]!];
      expect(squared(embedded[i]!, embedded[j]!)).toBeCloseTo(squared(a, b), 3);
    }
  });

  test('inner products of landmarks are the centred kernel', () => {
    const bent = kernel.map((value) => Math.exp(value / 4));
    const { embed } = fitKernelPca(bent, m, m);
    const rows = points.map((_, i) => embed(bent.subarray(i * m, (i + 1) * m)));
    const mean = (values: ArrayLike<number>): number =>
      Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
    const own = points.map((_, i) => mean(bent.subarray(i * m, (i + 1) * m)));
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < m; j++) {
        const expected = bent[i * m + j]! - own[i]! - own[j]! + mean(own);
        expect(dot([...rows[i]!], [...rows[j]!])).toBeCloseTo(expected, 3);
      }
    }
  });
});

describeBaseline('L1HashKPCA', l1HashKpca);
