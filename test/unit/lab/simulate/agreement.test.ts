import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bootstrapMean, concordance } from '../../../../lab/simulate/agreement.ts';
import { compare, measure } from '../../../../lab/simulate/measure.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

test('concordance equals counting every pair, ties left out', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 40 }), (values) => {
      let [agree, told] = [0, 0];
      for (let i = 0; i < values.length; i++) {
        for (let j = i + 1; j < values.length; j++) {
          if (values[i] !== values[j]) told++;
          if (values[i]! > values[j]!) agree++;
        }
      }
      expect(concordance(values)).toBe(told === 0 ? null : agree / told);
    }),
  );
});

test('the same order is 1, the reverse 0, a list without differences nothing', () => {
  expect(concordance([3, 2, 1])).toBe(1);
  expect(concordance([1, 2, 3])).toBe(0);
  expect(concordance([2, 3, 1])).toBeCloseTo(2 / 3, 12);
  expect(concordance([5, 5])).toBeNull();
});

test('the bootstrap interval of a normal sample is about 1.96 standard errors to either side', () => {
  const random = makeRandom(3);
  const values = Array.from({ length: 400 }, () => 0.6 + 0.1 * random.gaussian());
  const mean = values.reduce((sum, value) => sum + value) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const interval = bootstrapMean(values, random);
  expect(interval.mean).toBeCloseTo(mean, 12);
  expect(interval.low).toBeCloseTo(mean - (1.96 * deviation) / 20, 2.5);
  expect(interval.high).toBeCloseTo(mean + (1.96 * deviation) / 20, 2.5);
  expect(interval.high - interval.low).toBeGreaterThan(0.015);
});

// Liked most to least next to any anchor: a, b, c, d.
const taste = { utility: (_anchor: string, item: string) => -'abcd'.indexOf(item) };

test('both measurements are taken on products that are in both lists, and the difference is paired', () => {
  const before = [
    { anchor: 'x', ids: ['c', 'b', 'a', 'd'] },
    { anchor: 'gone', ids: ['a', 'b'] },
  ];
  const after = [{ anchor: 'x', ids: ['a', 'b', 'c'] }];
  const found = compare(before, after, taste, makeRandom(1))!;
  expect(found.anchors).toBe(1);
  expect(found.before.mean).toBe(0);
  expect(found.after.mean).toBe(1);
  expect(found.difference).toEqual({ mean: 1, low: 1, high: 1 });
});

test('without any pair to compare there is no number', () => {
  expect(measure([{ anchor: 'x', ids: ['a'] }], taste, makeRandom(1))).toBeNull();
  expect(compare([{ anchor: 'x', ids: ['a', 'b'] }], [], taste, makeRandom(1))).toBeNull();
});
