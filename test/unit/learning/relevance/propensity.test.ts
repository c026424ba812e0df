import { expect, test } from 'vitest';
import { deviation, meanOf } from '../../../../learning/metrics/intervals.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { fitExamination, powerLaw } from '../../../../learning/relevance/examination.ts';
import { fitPropensity } from '../../../../learning/relevance/propensity.ts';
import type { SeenPair } from '../../../../learning/relevance/seen-pairs.ts';
import { exploringPairs } from '../../../support/click-worlds.ts';

const seen = (item: number, position: number, impressions: number, clicks: number): SeenPair => ({
  anchor: 0,
  item,
  position,
  impressions,
  clicks,
  value: clicks,
});
const PRIOR = 0.3;
const fitPropensityExponent = (pairs: Iterable<SeenPair>) => fitPropensity(pairs).eta;

test('the exponent of a power law is found in pairs that were seen at several places, whatever each is worth', () => {
  for (const eta of [0, 0.4, 1.3]) {
    const pairs = [0.5, 0.02, 0.1].flatMap((worth, item) =>
      [1, 3, 8].map((position) => seen(item, position, 1e6, 1e6 * worth * position ** -eta)),
    );
    expect(fitPropensityExponent(pairs)).toBeCloseTo(eta, 3);
    const theta = powerLaw(fitExamination(pairs));
    expect([theta(1), theta(4)]).toEqual([1, expect.closeTo(4 ** -eta, 3)]);
  }
});

test('a ranker that puts good items first is not taken for shoppers who look at the first places only', () => {
  const stay = [1, 2, 3, 5, 8].map((position) => seen(position, position, 1e6, 1e5 / position ** 2));
  expect(fitPropensityExponent(stay)).toBe(PRIOR);
  const moves = [seen(99, 1, 1e6, 1e5), seen(99, 4, 1e6, 1e5 * 4 ** -0.7)];
  expect(fitPropensityExponent([...stay, ...moves])).toBeCloseTo(0.7, 2);
});

test('the more clicks moved, the less the prior counts: the mode of the posterior, by brute force', () => {
  const pairs = [seen(1, 1, 100, 9), seen(1, 4, 400, 5), seen(2, 2, 50, 3), seen(2, 10, 90, 2.5)];
  const posterior = (eta: number): number => {
    const one = (rows: SeenPair[]) => {
      const chances = rows.map(({ position, impressions }) => impressions * position ** -eta);
      const total = chances.reduce((sum, chance) => sum + chance, 0);
      return rows.reduce((sum, { clicks }, i) => sum + clicks * Math.log(chances[i]! / total), 0);
    };
    return one(pairs.slice(0, 2)) + one(pairs.slice(2)) - (eta - PRIOR) ** 2 / (2 * 0.25 ** 2);
  };
  const grid = Array.from({ length: 20_001 }, (_, i) => i / 10_000);
  const best = grid.reduce((found, eta) => (posterior(eta) > posterior(found) ? eta : found));
  expect(best).not.toBeCloseTo(PRIOR, 2);
  expect(fitPropensityExponent(pairs)).toBeCloseTo(best, 3);
});

test('it stays in [0, 2], is the prior without data, and clicks without an impression (a lost beacon) spoil nothing', () => {
  expect(fitPropensityExponent([seen(1, 1, 1e4, 100), seen(1, 2, 1e4, 9000)])).toBe(0);
  expect(fitPropensityExponent([seen(1, 1, 1e4, 9000), seen(1, 2, 1e4, 10)])).toBe(2);
  expect(fitPropensityExponent([])).toBe(PRIOR);
  const pairs = [seen(1, 1, 1000, 100), seen(1, 4, 1000, 30)];
  expect(fitPropensityExponent([...pairs, seen(1, 40, 0, 1), seen(2, 1, 0, 3)])).toBe(fitPropensityExponent(pairs));
});

test('from lists of which 3 in 100 swap two neighbours the exponent comes out within a tenth', () => {
  const random = makeRandom(4);
  const truth = 0.9;
  const counts = new Map<string, SeenPair>();
  const worth = Array.from({ length: 10 }, (_, place) => 0.4 * Math.exp(-0.15 * place));
  for (let list = 0; list < 200_000 / 10; list++) {
    const order = worth.map((_, item) => item);
    if (random.next() < 0.03) {
      const at = random.int(9);
      [order[at], order[at + 1]] = [order[at + 1]!, order[at]!];
    }
    for (const [i, item] of order.entries()) {
      const position = i + 1;
      const clicked = random.next() < worth[item]! * position ** -truth ? 1 : 0;
      const key = `${item} ${position}`;
      const old = counts.get(key) ?? seen(item, position, 0, 0);
      counts.set(key, seen(item, position, old.impressions + 1, old.clicks + clicked));
    }
  }
  const eta = fitPropensityExponent(counts.values());
  // Exploration this thin moves the prior by a part only: it must go the right way, and not beyond.
  expect(eta).toBeGreaterThan(PRIOR);
  expect(eta).toBeLessThan(1.1 * truth);
});

test('its standard error is how far estimates of worlds that are alike lie apart, and 0 where nothing moved', () => {
  for (const [lists, share] of [
    [10_000, 0.03],
    [10_000, 0.2],
  ] as const) {
    const found = Array.from({ length: 30 }, (_, i) =>
      fitPropensity(exploringPairs({ lists, share, examined: 0.5, seed: 300 + i })),
    );
    const apart = deviation(found.map(({ eta }) => eta));
    const told = meanOf(found.map(({ error }) => error));
    expect(told / apart).toBeGreaterThan(0.8);
    expect(told / apart).toBeLessThan(1.25);
  }
  expect(fitPropensity([seen(1, 1, 900, 90), seen(2, 2, 900, 40)]).error).toBe(0);
});
