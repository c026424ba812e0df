import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeAliasTable } from '../../../src/learning/alias.ts';
import { makeRandom, type Random } from '../../../src/learning/random.ts';
import { makeReservoirs } from '../../../src/learning/reservoir.ts';
import { makeTripletSampler, maxCandidates, type SamplerOptions, type Triplet } from '../../../src/learning/sampler.ts';

/** Upper 0.1 % point of chi-square (Wilson and Hilferty 1931). */
const critical = (degrees: number) => degrees * (1 - 2 / (9 * degrees) + 3.09 * Math.sqrt(2 / (9 * degrees))) ** 3;

/** Draws and compares with the law: nothing impossible may come, and counts must fit (cells below 5 are joined). */
function expectLaw(law: ReadonlyMap<string, number>, draw: () => string, draws = 40_000): void {
  const counts = new Map<string, number>();
  for (let i = 0; i < draws; i++) {
    const key = draw();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const key of counts.keys()) expect(law.has(key), `${key} is impossible`).toBe(true);
  let chiSquare = 0;
  let cells = 0;
  const rare = { expected: 0, seen: 0 };
  for (const [key, share] of law) {
    const [expected, seen] = [share * draws, counts.get(key) ?? 0];
    if (expected < 5) {
      rare.expected += expected;
      rare.seen += seen;
      continue;
    }
    chiSquare += (seen - expected) ** 2 / expected;
    cells++;
  }
  if (rare.expected >= 5) {
    chiSquare += (rare.seen - rare.expected) ** 2 / rare.expected;
    cells++;
  }
  if (cells > 1) expect(chiSquare).toBeLessThan(critical(cells - 1));
}

const keyOf = ({ q, p, n }: Triplet) => `${q} ${p} ${n}`;

/** The law written out: every (q, p, n) with its probability, dropped examples taken out. */
function lawOf(options: SamplerOptions): Map<string, number> {
  const { categories, relevance, positiveCap, minimumGap, outOfClassShare, maxFailures, selfShare = 0 } = options;
  const items = Array.from(categories.keys());
  const same = (i: number, j: number) => i === j || (categories[i]! >= 0 && categories[i] === categories[j]);
  const partners = (i: number) => items.filter((j) => j !== i && same(i, j));
  const total = (i: number) => partners(i).reduce((sum, j) => sum + relevance(i, j), 0);
  const all = items.reduce((sum, i) => sum + total(i), 0);
  const lonely = items.filter((i) => total(i) === 0);
  const equation7 = (q: number) => {
    const weights = partners(q).map((j) => [j, Math.min(positiveCap, relevance(q, j))] as const);
    const sum = weights.reduce((acc, [, weight]) => acc + weight, 0);
    return weights.map(([j, weight]) => [j, weight / sum] as const);
  };
  const law = new Map<string, number>();
  const add = (q: number, p: number, n: number, share: number) => {
    if (share > 0) law.set(`${q} ${p} ${n}`, (law.get(`${q} ${p} ${n}`) ?? 0) + share);
  };
  const negatives = (q: number, p: number, share: number) => {
    const outside = items.filter((j) => !same(q, j));
    const inside = total(q) > 0 ? equation7(q) : [];
    const out = outside.length === 0 ? 0 : inside.length === 0 ? 1 : outOfClassShare;
    if (relevance(q, p) >= minimumGap) for (const n of outside) add(q, p, n, (share * out) / outside.length);
    const valid = inside.filter(([n]) => n !== p && relevance(q, p) - relevance(q, n) >= minimumGap);
    const accepted = valid.reduce((sum, [, chance]) => sum + chance, 0);
    const kept = 1 - (1 - accepted) ** maxFailures;
    for (const [n, chance] of valid) add(q, p, n, (share * (1 - out) * kept * chance) / accepted);
  };
  for (const q of items) {
    negatives(q, q, selfShare / items.length);
    const partnered = all > 0 ? 1 - lonely.length / items.length : 0;
    if (total(q) === 0) negatives(q, q, ((1 - selfShare) * (1 - partnered)) / lonely.length);
    else
      for (const [p, chance] of equation7(q))
        negatives(q, p, (((1 - selfShare) * partnered * total(q)) / all) * chance);
  }
  const kept = [...law.values()].reduce((sum, share) => sum + share, 0);
  return new Map([...law].map(([key, share]) => [key, share / kept]));
}

/** Symmetric relevance in [0, 1] by item pair, 1 of an item to itself. */
function relevanceTable(items: number, random: Random) {
  const values = Array.from({ length: items * items }, () => random.next());
  return (i: number, j: number) => (i === j ? 1 : values[Math.min(i, j) * items + Math.max(i, j)]!);
}

const base = { positiveCap: 0.6, minimumGap: 0.1, outOfClassShare: 0.2, maxFailures: 50 };
test.each<[string, number[], Partial<SamplerOptions>]>([
  ['as in the paper', [0, 0, 0, 0, 1, 1, 1], {}],
  ['without a cap', [0, 0, 0, 0, 1, 1, 1], { positiveCap: 5, minimumGap: 0 }],
  ['with few trials, where examples are dropped', [0, 0, 0, 1, 1, 1], { maxFailures: 2, minimumGap: 0.3 }],
  ['with items alone in their category and without one', [0, 0, 0, 1, -1, -1], {}],
  ['with one category only', [0, 0, 0, 0], {}],
  ['with nothing but items alone', [0, 1, -1, -1], {}],
  ['with a share of other views of the query', [0, 0, 0, 1, 1, -1], { selfShare: 0.4 }],
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

test('a restored random source continues the same triplets, whatever tables are in memory', () => {
  const options = {
    ...base,
    categories: Int32Array.from({ length: 40 }, (_, i) => i % 3),
    relevance: relevanceTable(40, makeRandom(1)),
  };
  const random = makeRandom(2);
  const sampler = makeTripletSampler(options, random);
  for (let i = 0; i < 500; i++) sampler.next();
  const state = random.state();
  const expected = Array.from({ length: 200 }, () => sampler.next());
  const resumed = makeRandom(0);
  const fresh = makeTripletSampler(options, resumed);
  resumed.restore(state);
  expect(Array.from({ length: 200 }, () => fresh.next())).toEqual(expected);
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

test('a reservoir keeps sets with the chances of weighted sampling without replacement', () => {
  const weights = [1, 5, 2, 0.5, 3, 1e-4, 0];
  const random = makeRandom(8);
  expectLaw(pairLaw(weights), () => {
    const reservoirs = makeReservoirs<number>(2, random);
    weights.forEach((weight, item) => {
      reservoirs.offer(1, item, weight);
    });
    return reservoirs.items(1).sort().join(' ');
  });
});

test('with a capacity far below the stream, draws are in proportion to weight, by category', () => {
  const random = makeRandom(10);
  let heavy = 0;
  for (let run = 0; run < 4000; run++) {
    const reservoirs = makeReservoirs<number>(4, random);
    for (let item = 0; item < 200; item++) reservoirs.offer(item < 100 ? 0 : 1, item, item % 2 ? 5 : 1);
    const drawn = reservoirs.draw(0)!;
    expect(drawn).toBeLessThan(100);
    heavy += drawn % 2;
  }
  // 50 of weight 5 and 50 of weight 1; a capacity of 4 % leans a little to the light ones.
  expect(heavy / 4000).toBeGreaterThan(0.8);
  expect(heavy / 4000).toBeLessThan(0.85);
});

test('weights so small that u^(1/weight) is 0 in floating point are still told apart', () => {
  const random = makeRandom(12);
  const law = new Map([
    ['0', 0.25],
    ['1', 0.75],
  ]);
  expectLaw(law, () => {
    const reservoirs = makeReservoirs<number>(1, random);
    reservoirs.offer(0, 0, 1e-6);
    reservoirs.offer(0, 1, 3e-6);
    return String(reservoirs.draw(0));
  });
  expect(makeReservoirs(1, random).draw(0)).toBeNull();
});
