import { expect, test } from 'vitest';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import {
  type ClickRelevance,
  clickRelevance,
  clickTriplets,
  goldenRelevance,
} from '../../../../learning/relevance/relevance.ts';
import type { SeenPair } from '../../../../learning/relevance/seen-pairs.ts';

const seen = (item: number, position: number, impressions: number, clicks: number, value = clicks): SeenPair => ({
  anchor: 0,
  item,
  position,
  impressions,
  clicks,
  value,
});

test('golden relevance falls with the distance inside a category and is 0 across', () => {
  const relevance = goldenRelevance(Int32Array.of(0, 0, 1, -1, -1), () => 0.5, 0.25);
  expect(relevance(0, 1)).toBeCloseTo(Math.exp(-2), 12);
  expect([relevance(0, 2), relevance(3, 4), relevance(0, 0), relevance(3, 3)]).toEqual([0, 0, 1, 1]);
  expect(() => goldenRelevance(Int32Array.of(0), () => 0, 0)).toThrow('sigma');
});

const options = { prior: () => 0.5, strength: 20, clip: 10, maximum: 1, propensity: (k: number) => 1 / k };

test('one worked case: weights, effective impressions, shrinkage and standard error', () => {
  // At position 1: w = 1, examined 100, value 10. At position 2, theta = 1/2: w = 2, examined 2 * 1/2 * 80 = 80.
  const [first, second] = clickRelevance([seen(7, 1, 100, 10), seen(8, 2, 80, 2)], options);
  // Mean of the prior over 180 examined: 90; weighted value 10 + 2 * 2 = 14, so one value is worth 90 / 14.
  const scale = 90 / 14;
  const n = 80 ** 2 / (4 * 0.5 * 80); // Kish: 40
  expect(first!.effectiveImpressions).toBe(100);
  expect(second!.effectiveImpressions).toBe(n);
  expect(first!.relevance).toBeCloseTo((100 * scale * 0.1 + 20 * 0.5) / 120, 12);
  expect(second!.relevance).toBeCloseTo((n * scale * (4 / 80) + 20 * 0.5) / (n + 20), 12);
  expect(second!.standardError).toBeCloseTo(Math.sqrt((second!.relevance * scale) / (n + 20)), 12);
});

test('an impression was looked at as often as its placement says, and a pair is one over all of them', () => {
  const propensity = (k: number, placement = '') => ({ row: 1, column: 0.25 })[placement] ?? 1 / k;
  const placed = [
    seen(7, 1, 100, 10),
    { ...seen(8, 2, 80, 2), placement: 'row' },
    { ...seen(8, 2, 60, 1), placement: 'column' },
    seen(8, 2, 40, 3),
  ];
  const plain = [seen(7, 1, 100, 10), seen(8, 1, 80, 2), seen(8, 4, 60, 1), seen(8, 2, 40, 3)];
  expect([...clickRelevance(placed, { ...options, propensity })]).toEqual([...clickRelevance(plain, options)]);
});

test('where everything is as good, positions do not matter and the result is the prior', () => {
  const rows = [1, 2, 4].map((position) => seen(position, position, 1000, 400 / position));
  for (const { relevance } of clickRelevance(rows, options)) expect(relevance).toBeCloseTo(0.5, 9);
  // ... also when large weights are clipped: self-normalised
  for (const { relevance } of clickRelevance(rows, { ...options, clip: 1.5 })) expect(relevance).toBeCloseTo(0.5, 9);
});

test('results are cut to [0, maximum], and feedback without value leaves the prior', () => {
  const [good, bad] = clickRelevance([seen(1, 1, 1000, 500), seen(2, 1, 1000, 0, -400)], options);
  expect([good!.relevance, bad!.relevance]).toEqual([1, 0]);
  const unclicked = [...clickRelevance([seen(1, 1, 1000, 0), seen(2, 1, 10, 0)], options)];
  expect(unclicked.map(({ relevance, effectiveImpressions }) => [relevance, effectiveImpressions])).toEqual([
    [0.5, 0],
    [0.5, 0],
  ]);
  expect([...clickRelevance([], options)]).toEqual([]);
});

test('what nobody clicked is uncertain by one action, and dear actions are less certain than many cheap ones', () => {
  const rows = [seen(1, 1, 100, 0), seen(2, 1, 100, 60), seen(3, 1, 100, 6, 60), seen(4, 1, 1e6, 3e5)];
  const [none, cheap, dear] = clickRelevance(rows, { ...options, prior: () => 0.3, strength: 1e-3 });
  const scale = (0.3 * 1_000_300) / 300_120;
  const action = 300_120 / 300_066;
  expect(none!.relevance).toBeCloseTo(0, 5);
  expect(none!.standardError).toBeCloseTo((scale * action) / 100, 5);
  expect(cheap!.relevance).toBeCloseTo(dear!.relevance, 9);
  expect(dear!.standardError / cheap!.standardError).toBeCloseTo(Math.sqrt(10), 3);
});

test('an item that is chosen twice as often everywhere needs twice the choices to be as relevant', () => {
  const base = (_anchor: number, item: number) => (item === 1 ? { rate: 2, variance: 0.04 } : { rate: 1, variance: 0 });
  const [popular, usual] = clickRelevance([seen(1, 1, 100, 20), seen(2, 1, 100, 10)], { ...options, base });
  // The prior's .5 for each of 100 · 2 + 100 usual impressions: 150, for 30 choices.
  const scale = 150 / 30;
  const [first, second] = [(scale * 20 + 20 * 0.5) / (200 + 20), (scale * 10 + 20 * 0.5) / (100 + 20)];
  expect([popular!.relevance, usual!.relevance]).toEqual([expect.closeTo(first, 12), expect.closeTo(second, 12)]);
  expect(first).toBeCloseTo(second, 12);
  // What is not known of the base rate makes the relevance as uncertain, as far as it rests on choices.
  const own = (first * scale) / 220;
  expect(popular!.standardError).toBeCloseTo(Math.sqrt(own + ((first * 200) / 220) ** 2 * 0.04), 12);
  expect(usual!.standardError).toBeCloseTo(Math.sqrt((second * scale) / 120), 12);
});

test('under a prior that knows nothing, values count as they are', () => {
  const [result] = clickRelevance([seen(1, 1, 100, 30)], { ...options, prior: () => 0 });
  expect(result!.relevance).toBeCloseTo(30 / 120, 12);
});

test('over simulated shoppers the estimate is unbiased, and its standard error is its spread', () => {
  const random = makeRandom(9);
  const rates = [0.3, 0.15];
  const runs = 400;
  const errors: number[] = [];
  const claimed: number[] = [];
  for (let run = 0; run < runs; run++) {
    const rows = rates.flatMap((rate, item) =>
      [1, 3].map((position) => {
        let clicks = 0;
        for (let i = 0; i < 200; i++) if (random.next() < rate / position) clicks++;
        return seen(item, position, 200, clicks);
      }),
    );
    // A large anchor pair pins the scale: prior 0.2 for a click rate of 0.2, so one click is worth 1.
    const [result] = clickRelevance([...rows, { ...seen(9, 1, 1e7, 2e6) }], {
      ...options,
      prior: () => 0.2,
      strength: 1e-6,
    });
    errors.push(result!.relevance - rates[0]!);
    claimed.push(result!.standardError);
  }
  const mean = errors.reduce((a, b) => a + b) / runs;
  const spread = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / runs);
  expect(Math.abs(mean)).toBeLessThan(0.006);
  // Poisson counts vary a little more than clicks, so the claim errs on the safe side.
  const ratio = claimed.reduce((a, b) => a + b) / runs / spread;
  expect(ratio).toBeGreaterThan(0.95);
  expect(ratio).toBeLessThan(1.3);
});

const result = (
  anchor: number,
  item: number,
  relevance: number,
  standardError: number,
  effectiveImpressions = 50,
): ClickRelevance => ({
  anchor,
  item,
  relevance,
  standardError,
  effectiveImpressions,
  actions: 1,
});
const rules = { z: 1, minimumGap: 0.1, perAnchor: 10, minimumActions: 0.5, minimumImpressions: 5 };

test('triplets need room for the noise of both sides', () => {
  const triplets = clickTriplets(
    [
      result(1, 2, 0.5, 0),
      result(1, 3, 0.35, 0),
      result(3, 1, 0.9, 0.1),
      result(3, 2, 0.6, 0.1),
      result(3, 5, 0.5, 0.05),
    ],
    rules,
  );
  // Anchor 3: .8 - .55 = .25 fits; .8 - .7 = .1 - rounding decides, so the gap below is moved off it.
  expect(clickTriplets([result(3, 1, 0.9, 0.1), result(3, 2, 0.6, 0.11)], rules)).toEqual([]);
  expect(triplets[0]).toEqual({ q: 1, p: 2, n: 3, weight: expect.closeTo(0.15, 12) });
  expect(triplets[1]).toEqual({ q: 3, p: 1, n: 5, weight: expect.closeTo(0.4, 12) });
});

test('every triplet that fits is found, those with the most room first, up to the cap', () => {
  const random = makeRandom(5);
  const results = Array.from({ length: 30 }, (_, item) => {
    return { ...result(0, item, random.next(), 0.1 * random.next()), actions: 30 };
  });
  const room = (p: ClickRelevance, n: ClickRelevance) => p.relevance - p.standardError - n.relevance - n.standardError;
  const expected = results
    .flatMap((p) => results.map((n) => ({ p, n })))
    .filter(({ p, n }) => p !== n && room(p, n) >= 0.1)
    .sort((a, b) => room(b.p, b.n) - room(a.p, a.n));
  const all = clickTriplets(results, { ...rules, perAnchor: 1000 });
  expect(all).toHaveLength(expected.length);
  expect(clickTriplets([...results].reverse(), rules)).toEqual(all.slice(0, 10));
  expect(all.slice(0, 10).map(({ p, n }) => [p, n])).toEqual(expected.slice(0, 10).map(({ p, n }) => [p.item, n.item]));
});

test.each([
  [0.5, 1],
  [1.9, 1],
  [2, 2],
  [7.5, 7],
  [100, 20],
])('a positive of %s votes is in %s of twenty triplets that fit, those with the most room', (actions, most) => {
  const passed = Array.from({ length: 20 }, (_, i) => ({ ...result(0, 1 + i, 0.01 * i, 0), actions: 0 }));
  const found = clickTriplets([{ ...result(0, 0, 0.9, 0), actions }, ...passed], { ...rules, perAnchor: 40 });
  expect(found.map(({ p, n }) => [p, n])).toEqual(passed.slice(0, most).map(({ item }) => [0, item]));
});

test('votes of one positive are no room for another, and the cut of an anchor comes first', () => {
  const passed = Array.from({ length: 8 }, (_, i) => result(0, 10 + i, 0, 0));
  const [most, less] = [
    { ...result(0, 1, 0.9, 0), actions: 3 },
    { ...result(0, 2, 0.8, 0), actions: 3 },
  ];
  const positives = (perAnchor: number) =>
    clickTriplets([most, less, ...passed], { ...rules, minimumActions: 2, perAnchor }).map(({ p }) => p);
  expect(positives(40)).toEqual([1, 1, 1, 2, 2, 2]);
  expect(positives(10)).toEqual([1, 1, 1, 2, 2]); // eight of the first and two of the other are left by the cut
});

test('what nobody chose, or hardly anybody, is no positive, however little the others were liked', () => {
  const unchosen = { ...result(0, 1, 0.5, 0), actions: 0.4 };
  expect(clickTriplets([unchosen, result(0, 2, 0.1, 0)], rules)).toEqual([]);
  expect(clickTriplets([{ ...unchosen, actions: 0.5 }, result(0, 2, 0.1, 0)], rules)).toHaveLength(1);
});

test('pairs that were hardly examined make no triplets, nor do pairs as good as each other', () => {
  expect(clickTriplets([result(0, 1, 0.9, 0, 50), result(0, 2, 0.1, 0, 4)], rules)).toEqual([]);
  expect(clickTriplets([result(0, 1, 0.5, 0), result(0, 2, 0.5, 0)], { ...rules, minimumGap: 0 })).toEqual([]);
});
