import { expect, test } from 'vitest';
import {
  effortFor,
  effortWithin,
  mostPassingSql,
  mostPassingWithin,
  placeInSample,
  shareOf,
  thoroughWithin,
} from '../../../../../src/db/search/effort.ts';

test('the narrower a filter that is not for one by one, the more candidates a round of the index has: 100 to 1,000', () => {
  const shares = [1, 0.95, 0.9, 0.89, 0.5, 0.45, 0.3, 0.2, 0.18, 0.15, 0.1, 0.01, 0];
  expect(shares.map(effortFor)).toEqual([100, 100, 100, 200, 200, 200, 400, 500, 500, 750, 1000, 1000, 1000]);
  expect([
    shareOf({ looked: 4000, passing: 400 }),
    shareOf({ looked: 199, passing: 199 }),
    shareOf({ looked: 0, passing: 0 }),
  ]).toEqual([0.1, 0, 0]);
});

test('what passes is ranked one by one up to 4,000 products, or 25 times the root of the catalog, and never over 50,000', () => {
  expect(mostPassingSql('simili.embedding_1')).toContain('greatest(4000, least(50000, 25 * sqrt(');
});

test('an index of one category is never asked for fewer than 200 candidates, and more are ranked by it the narrower the rest of a filter is', () => {
  const shares = [1.2, 1, 0.75, 0.74, 0.3, 0.2, 0.15, 0];
  const efforts = [200, 200, 200, 400, 500, 750, 1000, 1000];
  expect(shares.map((share) => effortWithin(share, 20_000))).toEqual(efforts);
  expect([2000, 25_000, 25_001, 450_000].map((products) => effortWithin(1, products))).toEqual([200, 200, 400, 400]);
  expect(effortWithin(0.5, 100_000)).toBe(1000);
  expect([2000, 10_000, 1_000_000].map(mostPassingWithin)).toEqual([1118, 2500, 25_000]);
});

test('a category whose usual search is not sure is ranked for a page that is asked for again, up to 125,000 products, beyond by the most candidates', () => {
  const of = (products: number, { ranked = false, together = true } = {}) => {
    const found = thoroughWithin(1, { numbers: [1], ranked: [ranked], together, products, share: 0.1 });
    return found && [found.within.ranked[0], found.effort];
  };
  expect([25_000, 25_001, 125_000, 125_001].map((products) => of(products))).toEqual([
    null,
    [true, 200],
    [true, 200],
    [false, 1000],
  ]);
  expect([of(50_000, { ranked: true }), of(50_000, { together: false })]).toEqual([null, [false, 1000]]);
});

test('of a ranked category the nearest are bounded by a sample where that spares anything', () => {
  const places = [
    [200, 10_000],
    [200, 12_500],
    [200, 2000],
    [1000, 10_000],
    [200, 1000],
    [1000, 5000],
  ] as const;
  expect(places.map(([wanted, products]) => placeInSample(wanted, products))).toEqual([20, 16, 100, 100, null, null]);
});
