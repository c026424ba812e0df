import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeRandom, type Random } from '../../../../learning/numbers/random.ts';
import { makeAliasTable } from '../../../../learning/sampling/alias.ts';
import { makeOnlineSampler } from '../../../../learning/sampling/online-sampler.ts';
import { makeReservoir } from '../../../../learning/sampling/reservoir.ts';
import { makeTripletSampler, maxCandidates, type SamplerOptions } from '../../../../learning/sampling/sampler.ts';
import { expectLaw, keyOf, lawOf, relevanceTable } from '../../../support/triplet-law.ts';

const base = { positiveCap: 0.6, minimumGap: 0.1, outOfClassShare: 0.2, maxFailures: 50 };
test.each<[string, number[], Partial<SamplerOptions>]>([
  ['as in the paper', [0, 0, 0, 0, 1, 1, 1], {}],
  ['without a cap', [0, 0, 0, 0, 1, 1, 1], { positiveCap: 5, minimumGap: 0 }],
  ['with few trials, where examples are dropped', [0, 0, 0, 1, 1, 1], { maxFailures: 2, minimumGap: 0.3 }],
  ['with items alone in their category and without one', [0, 0, 0, 1, -1, -1], {}],
  ['with one category only', [0, 0, 0, 0], {}],
  ['with nothing but items alone', [0, 1, -1, -1], {}],
  ['drawn uniformly (fig. 6)', [0, 0, 0, 0, 1, 1, 1], { drawnBy: () => 1 }],
  ['with a share of other views of the query', [0, 0, 0, 1, 1, -1], { selfShare: 0.4 }],
  ['as published, where no query is its own positive', [0, 0, 0, 1, 1, 2, -1, -1], { onlyOthers: true }],
  ['with a margin for each query', [0, 0, 0, 0, 1, 1, 1], { minimumGap: (q) => (q < 4 ? 0.3 : 0.05) }],
])('triplets follow equations 6 to 8: %s', (name, categories, changes) => {
  const options = {
    ...base,
    categories: Int32Array.from(categories),
    relevance: relevanceTable(categories.length, makeRandom(name.length)),
    ...changes,
  };
  const sampler = makeTripletSampler(options, makeRandom(11));
  expectLaw(lawOf(options), () => keyOf(sampler.next()));
  expect(sampler.counts().forced).toBe(0);
});

const catalog = fc.record({
  categories: fc
    .array(fc.integer({ min: -1, max: 3 }), { minLength: 2, maxLength: 12 })
    .map((list) => Int32Array.from(list)),
  seed: fc.integer({ min: 0, max: 1000 }),
  minimumGap: fc.constantFrom(0, 0.1, 0.5, 2),
  outOfClassShare: fc.constantFrom(0, 0.2, 1),
  selfShare: fc.constantFrom(0, 0.3, 1),
  dead: fc.boolean(),
});

test('any catalog gives triplets: the negative is neither of the others, and equation 8 holds unless forced', () => {
  fc.assert(
    fc.property(catalog, ({ seed, dead, ...rest }) => {
      const { categories, minimumGap } = rest;
      const live = relevanceTable(categories.length, makeRandom(seed));
      const relevance = (i: number, j: number) => (dead && i !== j ? 0 : live(i, j));
      const sampler = makeTripletSampler({ ...rest, relevance, positiveCap: 0.7, maxFailures: 10 }, makeRandom(seed));
      const same = (i: number, j: number) => categories[i]! >= 0 && categories[i] === categories[j];
      for (let i = 0; i < 50; i++) {
        const before = sampler.counts().forced;
        const { q, p, n } = sampler.next();
        expect(n !== q && n !== p).toBe(true);
        expect(p === q || (same(q, p) && relevance(q, p) > 0)).toBe(true);
        if (sampler.counts().forced === before) {
          expect(relevance(q, p) - (same(q, n) ? relevance(q, n) : 0)).toBeGreaterThanOrEqual(minimumGap);
        }
      }
      // No gap of 2 can be kept with relevance in [0, 1].
      if (minimumGap === 2) expect(sampler.counts().forced).toBe(50);
    }),
  );
});

test('as published no picture is ever its own positive, forced or not, and without relevant partners nothing is drawn', () => {
  fc.assert(
    fc.property(catalog, ({ seed, dead: _, ...rest }) => {
      const { categories } = rest;
      const relevance = relevanceTable(categories.length, makeRandom(seed));
      const options = { ...rest, relevance, positiveCap: 0.7, maxFailures: 10, onlyOthers: true };
      const partnered = categories.some((category, i) => category >= 0 && categories.indexOf(category) !== i);
      for (const make of [makeTripletSampler, makeOnlineSampler]) {
        const draw = () => {
          const sampler = make(options, makeRandom(seed));
          return Array.from({ length: 5 }, () => sampler.next());
        };
        if (!partnered || categories.length < 3) {
          expect(draw).toThrow(/No item has a relevant partner|There is no triplet/);
          continue;
        }
        for (const { q, p, n } of draw()) {
          expect(new Set([q, p, n]).size).toBe(3);
          expect(categories[p]).toBe(categories[q]);
          expect(relevance(q, p)).toBeGreaterThanOrEqual(categories[n] === categories[q] ? relevance(q, n) : 0);
        }
      }
    }),
    { numRuns: 30 },
  );
});

test('a restored state continues the same triplets and counts, whatever tables are in memory', () => {
  const options = {
    ...base,
    categories: Int32Array.from({ length: 40 }, (_, i) => i % 3),
    relevance: relevanceTable(40, makeRandom(1)),
    maxFailures: 1,
    minimumGap: 0.4,
  };
  const sampler = makeTripletSampler(options, makeRandom(2));
  for (let i = 0; i < 500; i++) sampler.next();
  const state = JSON.parse(JSON.stringify(sampler.state()));
  const expected = Array.from({ length: 200 }, () => sampler.next());
  const fresh = makeTripletSampler(options, makeRandom(0));
  fresh.restore(state);
  expect(Array.from({ length: 200 }, () => fresh.next())).toEqual(expected);
  expect(fresh.counts()).toEqual(sampler.counts());
  expect(fresh.counts().dropped).toBeGreaterThan(0);
  expect(() => fresh.restore({ random: [1, 2] })).toThrow('not a state');
});

test('where tables would not fit, partners of large categories keep the law of eq. 7 without them', () => {
  // 6,000 items in one category: 12 million entries. Partners of q are those with the same remainder by 3, more or less.
  const items = 6000;
  const relevance = (i: number, j: number) => (i === j ? 1 : [0.3, 0.1, 0.02][(i + j) % 3]!);
  const options = { ...base, categories: new Int32Array(items), relevance, positiveCap: 0.2, minimumGap: 0 };
  const sampler = makeTripletSampler(options, makeRandom(9));
  const law = new Map([0.2, 0.1, 0.02].map((weight, kind) => [String(kind), weight / 0.32] as const));
  expectLaw(law, () => {
    const { q, p } = sampler.next();
    return String((q + p) % 3);
  });
});

test('click triplets come with their share, in proportion to their weight', () => {
  const clickTriplets = [
    { q: 0, p: 2, n: 1, weight: 3 },
    { q: 1, p: 2, n: 0, weight: 1 },
  ];
  const options = {
    ...base,
    categories: Int32Array.of(0, 1, 2),
    relevance: (i: number, j: number) => (i === j ? 1 : 0),
  };
  const law = new Map(
    [...lawOf(options)]
      .map(([key, share]): [string, number] => [key, 0.6 * share])
      .concat([
        ['0 2 1', 0.3],
        ['1 2 0', 0.1],
      ]),
  );
  const sampler = makeTripletSampler({ ...options, clickTriplets, clickShare: 0.4 }, makeRandom(3));
  expectLaw(law, () => keyOf(sampler.next()));
});

test('a large category never costs all its pairs, and still draws relevant partners more', () => {
  const items = 5 * maxCandidates;
  let calls = 0;
  const relevance = (i: number, j: number) => {
    calls++;
    return i === j ? 1 : (i + j) % 4 === 0 ? 0.9 : 0.1;
  };
  const small = { ...base, categories: new Int32Array(items), relevance, minimumGap: 0 };
  const sampler = makeTripletSampler(small, makeRandom(6));
  expect(calls).toBeLessThan((items * maxCandidates) / 5);
  const near = Array.from({ length: 200 }, () => sampler.next()).filter(({ q, p }) => (q + p) % 4 === 0).length;
  // Capped weights .6 and .1 at shares 1/4 and 3/4: two of three positives.
  expect(near / 200).toBeGreaterThan(0.5);
  expect(near / 200).toBeLessThan(0.8);
});

test('fewer than two items are refused', () => {
  expect(() =>
    makeTripletSampler({ ...base, categories: Int32Array.of(0), relevance: () => 1 }, makeRandom(1)),
  ).toThrow('two');
});

test('an alias table draws in proportion to weight, and never what weighs nothing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant(0), fc.double({ min: 1e-3, max: 1e3, noNaN: true })), {
        minLength: 1,
        maxLength: 9,
      }),
      (weights) => {
        const table = makeAliasTable(weights);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        expect(table === null).toBe(total === 0);
        if (!table) return;
        const shares = weights
          .map((weight, i): [string, number] => [String(i), weight / total])
          .filter(([, share]) => share > 0);
        const random = makeRandom(4);
        expectLaw(new Map(shares), () => String(table.draw(random)), 4000);
      },
    ),
    { numRuns: 30, seed: 1 },
  );
});

/** Weighted sampling without replacement: chance of every set of two. */
function pairLaw(weights: number[]): Map<string, number> {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const law = new Map<string, number>();
  weights.forEach((first, i) => {
    weights.forEach((second, j) => {
      if (i === j || first * second === 0) return;
      const key = [i, j].sort().join(' ');
      law.set(key, (law.get(key) ?? 0) + ((first / total) * second) / (total - first));
    });
  });
  return law;
}

const filled = (capacity: number, weights: readonly number[], random: Random): number[] => {
  const reservoir = makeReservoir(capacity);
  weights.forEach((weight, item) => {
    reservoir.offer(item, weight, random);
  });
  return reservoir.entries().map(({ item }) => item);
};

test('a reservoir keeps sets with the chances of weighted sampling without replacement', () => {
  const weights = [1, 5, 2, 0.5, 3, 1e-4, 0];
  const random = makeRandom(8);
  expectLaw(pairLaw(weights), () => filled(2, weights, random).sort().join(' '));
});

test.each([
  // deep-ranking.md 5.3: 100 images, half of weight 5; a uniform draw stands for one by weight only far below the stream.
  [2, 5, 0.35],
  [10, 4.85, 0.25],
  [40, 3.5, 0.12],
])(
  'of 100 items a reservoir of %i holds the heavy ones %f times as often as the light ones, not 5 times',
  (capacity, ratio, slack) => {
    const weights = Array.from({ length: 100 }, (_, item) => (item % 2 ? 5 : 1));
    const random = makeRandom(10);
    let heavy = 0;
    const runs = Math.ceil(40_000 / capacity);
    for (let run = 0; run < runs; run++) heavy += filled(capacity, weights, random).filter((item) => item % 2).length;
    expect(Math.abs(heavy / (runs * capacity - heavy) - ratio)).toBeLessThan(slack);
  },
);

test('keys stay: of a long stream the last tenth hardly enters, which is why every pass begins anew', () => {
  const random = makeRandom(14);
  const reservoir = makeReservoir(200);
  let late = 0;
  for (let item = 0; item < 100_000; item++) {
    const entered = reservoir.offer(item, 1, random);
    if (item >= 90_000 && entered) late++;
  }
  // 200 (ln 100,000 - ln 90,000) = 21.
  expect(late).toBeLessThan(45);
  expect(late).toBeGreaterThan(5);
});

test('weights so small that u^(1/weight) is 0 in floating point are still told apart', () => {
  const law = new Map([
    ['0', 0.25],
    ['1', 0.75],
  ]);
  const random = makeRandom(12);
  expectLaw(law, () => String(filled(1, [1e-6, 3e-6], random)[0]));
});
