import { expect, test } from 'vitest';
import {
  averagePrecision,
  ndcgAt,
  precisionAtOne,
  recallAt,
  similarityPrecision,
  tripletOutcome,
} from '../../../../learning/metrics/metrics.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

test('a triplet in the right order counts 1, a tie half', () => {
  expect([tripletOutcome(1, 2), tripletOutcome(2, 1), tripletOutcome(1, 1)]).toEqual([1, 0, 0.5]);
  expect(similarityPrecision([1, 2, 1, 0], [2, 1, 1, 3])).toEqual({ precision: 2.5 / 4, ties: 1 });
  expect(similarityPrecision([], []).precision).toBeNaN();
  expect(() => similarityPrecision([1], [])).toThrow('two distances');
});

test('worked rankings', () => {
  const ranking = ['a', 'x', 'b', 'y', 'c'];
  const relevant = new Set(['a', 'b', 'missing']);
  expect(recallAt(ranking, relevant, 2)).toBeCloseTo(1 / 3, 12);
  expect(recallAt(ranking, relevant, 99)).toBeCloseTo(2 / 3, 12);
  expect(averagePrecision(ranking, relevant)).toBeCloseTo((1 + 2 / 3) / 3, 12);
  expect([precisionAtOne(ranking, relevant), precisionAtOne(['x'], relevant), precisionAtOne([], relevant)]).toEqual([
    1, 0, 0,
  ]);
  // 3 / log2(2) + 0 + 1 / log2(4) over 3 / log2(2) + 2 / log2(3) + 1 / log2(4)
  expect(ndcgAt([3, 0, 1, 2], 3)).toBeCloseTo(3.5 / (3 + 2 / Math.log2(3) + 0.5), 12);
  expect(ndcgAt([1], 1, [1, 4])).toBe(0.25);
  expect(ndcgAt([0, 0], 2)).toBeNaN();
});

test('average precision is the area under the recall steps, by brute force', () => {
  const random = makeRandom(1);
  for (let run = 0; run < 50; run++) {
    const ranking = Array.from({ length: 12 }, (_, i) => i);
    const relevant = new Set(ranking.filter(() => random.next() < 0.4));
    if (relevant.size === 0) continue;
    let area = 0;
    for (let k = 1; k <= 12; k++) {
      const step = recallAt(ranking, relevant, k) - recallAt(ranking, relevant, k - 1);
      area += step * (ranking.slice(0, k).filter((item) => relevant.has(item)).length / k);
    }
    expect(averagePrecision(ranking, relevant)).toBeCloseTo(area, 12);
  }
});

test('nDCG is 1 for the best order only, over all orders of four gains', () => {
  const gains = [0.9, 0.5, 0.2, 0];
  const orders = (rest: number[]): number[][] =>
    rest.length === 0
      ? [[]]
      : rest.flatMap((first, i) => orders(rest.filter((_, j) => j !== i)).map((tail) => [first, ...tail]));
  for (const order of orders(gains)) {
    const value = ndcgAt(order, 3, gains);
    if (order.join() === gains.join()) expect(value).toBe(1);
    else expect(value).toBeLessThan(1);
  }
});
