import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeTokenBuckets } from '../../../../src/http/token-buckets.ts';

test('a bucket gives its burst at once, then what flows in, and says how many seconds to wait', () => {
  let now = 0;
  const buckets = makeTokenBuckets({ perSecond: 2, burst: 4 }, () => now);
  expect([1, 2, 3, 4].map(() => buckets.take('a'))).toEqual([0, 0, 0, 0]);
  expect([buckets.take('a'), buckets.take('a', 3), buckets.take('b')]).toEqual([1, 2, 0]);
  now = 499;
  expect(buckets.take('a')).toBe(1);
  now = 500;
  expect([buckets.waitFor('a'), buckets.take('a'), buckets.take('a')]).toEqual([0, 0, 1]);
  now = 60_000;
  expect([buckets.take('a', 100), buckets.take('a')]).toEqual([0, 1]); // more than it holds costs all of it
});

test('it takes and refuses as a bucket that is filled drop by drop', () => {
  const calls = fc.array(fc.record({ after: fc.nat(3000), tokens: fc.integer({ min: 1, max: 7 }) }), { maxLength: 60 });
  fc.assert(
    fc.property(calls, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 7, max: 30 }), (all, perSecond, burst) => {
      let now = 0;
      let level = burst;
      const buckets = makeTokenBuckets({ perSecond, burst }, () => now);
      for (const { after, tokens } of all) {
        now += after;
        level = Math.min(burst, level + (after / 1000) * perSecond);
        const expected = level >= tokens - 1e-6;
        if (expected) level -= tokens;
        expect(buckets.take('a', tokens) === 0).toBe(expected);
      }
    }),
  );
});

test('memory is bounded: of 60,000 callers the first is forgotten, the last is not; without a rate nobody is counted', () => {
  const buckets = makeTokenBuckets({ perSecond: 1, burst: 1 }, () => 0);
  for (let i = 0; i < 60_000; i++) buckets.take(`caller ${i}`);
  expect([buckets.waitFor('caller 0'), buckets.waitFor('caller 59999')]).toEqual([0, 1]);
  const free = makeTokenBuckets({ perSecond: 0, burst: 0 }, () => 0);
  expect([free.take('a', 1e6), free.take('a', 1e6)]).toEqual([0, 0]);
});
