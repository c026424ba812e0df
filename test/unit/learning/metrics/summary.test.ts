import { describe, expect, test } from 'vitest';
import { pairedPValue } from '../../../../learning/metrics/intervals.ts';
import { byMetric, type Judged } from '../../../../learning/metrics/judge.ts';
import { compare, slice, summarise } from '../../../../learning/metrics/summary.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

const run = (values: readonly (readonly number[])[], occurrences: readonly number[] = [1, 1]): Judged => ({
  values: byMetric(() => values),
  ties: 1,
  selected: values.flat().length,
  occurrences: Int32Array.from(occurrences),
});
const queries = (count: number, value: (query: number) => number): number[][] =>
  Array.from({ length: count }, (_, query) => [value(query)]);

test('means over seeds, Score-at-top-K as a sum, the spread of seeds beside the interval', () => {
  const { metrics, selected, scoreShare } = summarise([run([[1], [0], [1, -1]]), run([[1], [1], [1, -1]])]);
  expect(metrics.map.mean).toBeCloseTo(0.375, 12);
  expect(metrics.scoreAtK.mean).toBeCloseTo(1.5, 12);
  expect(metrics.scoreAtK.sd).toBeCloseTo(Math.SQRT1_2, 12);
  expect({ selected, scoreShare }).toEqual({ selected: 4, scoreShare: 0.375 });
  expect(summarise([run([[1]])]).metrics.map.sd).toBeNull();
});

test('Score-at-top-K is 0 where all triplets are outside S, and not measured where there are none, as with one category', () => {
  const of = (outcomes: number[][], scores: number[][]): Judged => ({
    ...run([[1], [1]]),
    values: { ...run([[1], [1]]).values, similarityPrecision: outcomes, scoreAtK: scores },
  });
  const outside = of([[1], []], [[], []]);
  expect(summarise([outside]).metrics.scoreAtK).toEqual({ mean: 0, low: 0, high: 0, sd: null });
  const none = of([[], []], [[], []]);
  const { mean, low, high } = summarise([none]).metrics.scoreAtK;
  expect([mean, low, high]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  expect(compare([none], [none], 'scoreAtK').difference.mean).toBeNaN();
});

test('coverage and hubness: even lists, and one hub in all of them', () => {
  expect(summarise([run([[1]], [2, 2, 2, 2])])).toMatchObject({ coverage: 1, hubness: 0 });
  const hub = summarise([run([[1]], [9, 0, 0, 0, 0, 0, 0, 0, 0, 0])]);
  expect(hub.coverage).toBeCloseTo(0.1, 12);
  // Nine of ten values 0 and one 9: skewness (1 - 2 / 10) / sqrt(1 / 10 * 9 / 10).
  expect(hub.hubness).toBeCloseTo(0.8 / 0.3, 9);
});

describe('two methods', () => {
  const noise = makeRandom(8);
  const base = queries(200, () => noise.next());
  test('that are the same differ by nothing', () => {
    const { difference, p } = compare([run(base)], [run(base)], 'map');
    expect(difference).toEqual({ mean: 0, low: 0, high: 0 });
    expect(p).toBe(1);
  });
  test('of which one is a little better everywhere differ for sure', () => {
    const better = base.map(([value]) => [value! + 0.01]);
    const { difference, p } = compare([run(better)], [run(base)], 'map');
    expect(difference.mean).toBeCloseTo(0.01, 9);
    expect(difference.low).toBeGreaterThan(0.0099);
    expect(p).toBeLessThan(0.001);
  });
  test('the p-value is uniform where there is no difference', () => {
    const random = makeRandom(5);
    const values = Array.from({ length: 200 }, () => {
      const differences = queries(20, () => random.gaussian());
      return pairedPValue([differences], [queries(20, () => 0)], random, 200);
    });
    const below = (bound: number): number => values.filter((p) => p <= bound).length / values.length;
    // Three standard errors of 200 values.
    expect(Math.abs(below(0.5) - 0.5)).toBeLessThan(0.11);
    expect(below(0.05)).toBeLessThan(0.1);
  });
  test('the p-value of three positive differences of the same size: a quarter of all signs is as extreme', () => {
    expect(pairedPValue([queries(3, () => 1)], [queries(3, () => 0)], makeRandom(1), 20_000)).toBeCloseTo(0.25, 1);
  });
});

test('a slice keeps only its queries', () => {
  const own = slice(run([[1], [0], [0.5]]), (query) => query !== 1);
  expect(own.values.map).toEqual([[1], [0.5]]);
});
