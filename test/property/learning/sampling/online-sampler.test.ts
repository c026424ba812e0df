import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { makeOnlineSampler, type OnlineOptions } from '../../../../learning/sampling/online-sampler.ts';
import { expectLaw, keyOf, lawOf, relevanceTable } from '../../../support/triplet-law.ts';

const base = { positiveCap: 0.6, minimumGap: 0.1, outOfClassShare: 0.2, maxFailures: 50 };

test.each<[string, number[], Partial<OnlineOptions>]>([
  ['as in the paper', [0, 0, 0, 0, 1, 1, 1], {}],
  ['without a cap', [0, 0, 0, 0, 1, 1, 1], { positiveCap: 5, minimumGap: 0 }],
  ['with few trials, where examples are dropped', [0, 0, 0, 1, 1, 1], { maxFailures: 2, minimumGap: 0.3 }],
  ['with items alone in their category and without one', [0, 0, 0, 1, -1, -1], {}],
  ['with one category only', [0, 0, 0, 0], {}],
  ['with nothing but items alone', [0, 1, -1, -1], {}],
  ['with a share of other views of the query', [0, 0, 0, 1, 1, -1], { selfShare: 0.4 }],
  ['as published, where no query is its own positive', [0, 0, 0, 1, 1, 2, -1, -1], { onlyOthers: true }],
  ['with a margin for each query', [0, 0, 0, 0, 1, 1, 1], { minimumGap: (q) => (q < 4 ? 0.3 : 0.05) }],
])('categories kept whole follow equations 6 to 8 after the first pass: %s', (name, categories, changes) => {
  const options = {
    ...base,
    categories: Int32Array.from(categories),
    relevance: relevanceTable(categories.length, makeRandom(name.length)),
    ...changes,
  };
  const sampler = makeOnlineSampler(options, makeRandom(11));
  for (let i = 0; i < 20; i++) sampler.next();
  expectLaw(lawOf(options), () => keyOf(sampler.next()));
  expect(sampler.counts().forced).toBe(0);
});

/** 400 items of two kinds in one category and 40 in another, relevance by kind, so that eqs. 6 and 7 are a few numbers. */
const kinds = (i: number, j: number) => (i === j ? 1 : [0.9, 0.2, 0.05][(i % 2) + (j % 2)]!);
const large = {
  ...base,
  categories: Int32Array.from({ length: 440 }, (_, i) => (i < 400 ? 0 : 1)),
  relevance: kinds,
  positiveCap: 0.6,
  minimumGap: 0,
  outOfClassShare: 0,
};

test('a category far larger than its buffer gives queries by eq. 6 and positives by eq. 7, within the error of the reservoir', () => {
  const sampler = makeOnlineSampler(large, makeRandom(5));
  for (let i = 0; i < 1000; i++) sampler.next();
  const seen = { even: 0, odd: 0, evenPositive: 0, small: 0 };
  const draws = 60_000;
  for (let i = 0; i < draws; i++) {
    const { q, p } = sampler.next();
    if (q >= 400) seen.small++;
    else if (q % 2) seen.odd++;
    else {
      seen.even++;
      if (p % 2 === 0) seen.evenPositive++;
    }
  }
  const [even, odd] = [199 * 0.9 + 200 * 0.2, 199 * 0.05 + 200 * 0.2];
  const small = 20 * (19 * 0.9 + 20 * 0.2) + 20 * (19 * 0.05 + 20 * 0.2);
  // 40 of 400: the reservoir leans a little to the light ones (section 5.3).
  expect(Math.abs(seen.even / (seen.even + seen.odd) - even / (even + odd))).toBeLessThan(0.025);
  expect(Math.abs(seen.evenPositive / seen.even - (199 * 0.6) / (199 * 0.6 + 200 * 0.2))).toBeLessThan(0.025);
  expect(Math.abs(seen.small / draws - small / (small + 200 * even + 200 * odd))).toBeLessThan(0.005);
});

test('the category of the stream counts by its size, that of relevance by its r_i', () => {
  const relevance = (i: number, j: number) => (i === j ? 1 : i < 20 ? 0.8 : 0.1);
  const categories = Int32Array.from({ length: 40 }, (_, i) => (i < 20 ? 0 : 1));
  const share = (categoryBy: 'relevance' | 'stream') => {
    const sampler = makeOnlineSampler({ ...large, relevance, categories, categoryBy }, makeRandom(3));
    for (let i = 0; i < 100; i++) sampler.next();
    return Array.from({ length: 10_000 }, () => sampler.next()).filter(({ q }) => q < 20).length / 10_000;
  };
  expect(Math.abs(share('stream') - 0.5)).toBeLessThan(0.02);
  expect(Math.abs(share('relevance') - 8 / 9)).toBeLessThan(0.02);
});

test('buffers do not freeze: over ten passes nearly every item of a large category is a query', () => {
  const sampler = makeOnlineSampler({ ...large, relevance: (i, j) => (i === j ? 1 : 0.5) }, makeRandom(8));
  const queries = new Set(Array.from({ length: 30 * 440 }, () => sampler.next().q));
  // Each pass keeps a tenth anew: 1 - 0.9^29 of them.
  expect(queries.size).toBeGreaterThan(0.9 * 440);
});

test('the out-of-class share is kept, and those negatives are uniform over other classes', () => {
  const options = { ...large, outOfClassShare: 0.3, relevance: () => 0.5 };
  const sampler = makeOnlineSampler(options, makeRandom(2));
  const law = new Map([['in', 0.7], ...Array.from({ length: 4 }, (_, part) => [`out ${part}`, 0.3 / 4] as const)]);
  expectLaw(
    law,
    () => {
      let triplet = sampler.next();
      while (triplet.q < 400) triplet = sampler.next();
      return triplet.n >= 400 ? 'in' : `out ${triplet.n % 4}`;
    },
    4000,
  );
});

test('the relevance of a bounded number of pairs is computed per triplet, however large the catalog', () => {
  const perTriplet = [2000, 20_000].map((items) => {
    let calls = 0;
    const relevance = (i: number, j: number) => {
      calls++;
      return kinds(i, j);
    };
    const categories = Int32Array.from({ length: items }, (_, i) => i % 5);
    const sampler = makeOnlineSampler({ ...large, categories, relevance }, makeRandom(1));
    for (let i = 0; i < items; i++) sampler.next();
    const before = calls;
    for (let i = 0; i < items; i++) sampler.next();
    const buffers = (sampler.state() as { buffers: [number, { kept: unknown[]; references: unknown[] }][] }).buffers;
    for (const [, { kept, references }] of buffers)
      expect(kept.length + references.length).toBeLessThanOrEqual(64 + 32);
    return (calls - before) / items;
  });
  expect(perTriplet[1]! / perTriplet[0]!).toBeLessThan(1.2);
  expect(perTriplet[1]).toBeLessThan(64 + 32 + 64);
});

const catalog = fc.record({
  categories: fc
    .array(fc.integer({ min: -1, max: 3 }), { minLength: 2, maxLength: 90 })
    .map((list) => Int32Array.from(list)),
  seed: fc.integer({ min: 0, max: 1000 }),
  minimumGap: fc.constantFrom(0, 0.1, 0.5, 2),
  outOfClassShare: fc.constantFrom(0, 0.2, 1),
  selfShare: fc.constantFrom(0, 0.3, 1),
  dead: fc.boolean(),
  capacity: fc.constantFrom(16, 64),
});

test('any catalog gives triplets that keep eq. 8 unless forced, and a restored state goes on with the same ones', () => {
  fc.assert(
    fc.property(catalog, ({ seed, dead, ...rest }) => {
      const { categories, minimumGap } = rest;
      const live = relevanceTable(categories.length, makeRandom(seed));
      const relevance = (i: number, j: number) => (dead && i !== j ? 0 : live(i, j));
      const options = { ...rest, relevance, positiveCap: 0.7, maxFailures: 10 };
      const sampler = makeOnlineSampler(options, makeRandom(seed));
      const same = (i: number, j: number) => categories[i]! >= 0 && categories[i] === categories[j];
      for (let i = 0; i < 60; i++) {
        const before = sampler.counts().forced;
        const { q, p, n } = sampler.next();
        expect(n !== q && n !== p).toBe(true);
        expect(p === q || (same(q, p) && relevance(q, p) > 0)).toBe(true);
        if (sampler.counts().forced === before) {
          expect(relevance(q, p) - (same(q, n) ? relevance(q, n) : 0)).toBeGreaterThanOrEqual(minimumGap);
        }
      }
      if (minimumGap === 2) expect(sampler.counts().forced).toBe(60);
      const state = JSON.parse(JSON.stringify(sampler.state()));
      const resumed = makeOnlineSampler(options, makeRandom(0));
      resumed.restore(state);
      const expected = Array.from({ length: 150 }, () => sampler.next());
      expect(Array.from({ length: 150 }, () => resumed.next())).toEqual(expected);
      expect(resumed.state()).toEqual(sampler.state());
    }),
    { numRuns: 40 },
  );
});

test('what it cannot work with is refused', () => {
  const one = { ...large, categories: Int32Array.of(0) };
  expect(() => makeOnlineSampler(one, makeRandom(1))).toThrow('two');
  expect(() => makeOnlineSampler({ ...large, capacity: 4 }, makeRandom(1))).toThrow('below 16');
  expect(() => makeOnlineSampler(large, makeRandom(1)).restore({ random: [] })).toThrow('not a state');
});
