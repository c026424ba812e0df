import { expect, test } from 'vitest';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { gapsBySpread } from '../../../../learning/relevance/relevance-spread.ts';
import { makeTripletSampler } from '../../../../learning/sampling/sampler.ts';
import { relevanceTable } from '../../../support/triplet-law.ts';

const OF_EACH = 40;
const categories = Int32Array.from({ length: 2 * OF_EACH }, (_, i) => Math.floor(i / OF_EACH));
const noise = relevanceTable(2 * OF_EACH, makeRandom(4));
/** The first category: look-alikes, whose differences are noise. The second: strangers, and pairs that belong together. */
const relevance = (i: number, j: number) => {
  if (i === j) return 1;
  if (categories[i] === 0) return 0.5 + 0.2 * (noise(i, j) - 0.5);
  return Math.floor(i / 2) === Math.floor(j / 2) ? 0.4 : 0.02 + 0.01 * noise(i, j);
};
const LOOK_ALIKE = 0.2 / Math.sqrt(12); // standard deviation

test('the margin follows the spread of a category, and is never below the least', () => {
  const gapOf = gapsBySpread({ categories, relevance, deviations: 2, least: 0.01 });
  expect(gapOf(0)).toBeCloseTo(2 * LOOK_ALIKE, 2);
  expect(gapOf(OF_EACH)).toBeGreaterThan(0.05);
  const flat = gapsBySpread({ categories, relevance: () => 0.5, deviations: 2, least: 0.01 });
  expect(flat(0)).toBe(0.01);
  expect(gapsBySpread({ categories: Int32Array.of(-1, 3), relevance, deviations: 2, least: 0.01 })(0)).toBe(0.01);
});

test('golden relevance is silent about small differences of a category, and speaks where some are alike', () => {
  const drawn = (minimumGap: number | ((q: number) => number)) => {
    const options = { categories, relevance, minimumGap, positiveCap: 0.25, outOfClassShare: 0, maxFailures: 50 };
    const sampler = makeTripletSampler({ ...options, onlyOthers: true }, makeRandom(1));
    const triplets = Array.from({ length: 2000 }, () => sampler.next());
    const of = (category: number) => triplets.filter(({ q }) => categories[q] === category);
    const small = of(0).filter(({ q, p, n }) => relevance(q, p) - relevance(q, n) < 0.9 * LOOK_ALIKE);
    const alike = of(1).filter(({ q, p }) => relevance(q, p) === 0.4);
    return { small: small.length / of(0).length, alike: alike.length / of(1).length };
  };
  const constant = drawn(0.01);
  const bySpread = drawn(gapsBySpread({ categories, relevance, deviations: 1, least: 0.01 }));
  expect(constant.small).toBeGreaterThan(0.3);
  expect(bySpread).toEqual({ small: 0, alike: 1 });
});
