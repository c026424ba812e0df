import { expect, test } from 'vitest';
import {
  EFFORTS_WITHIN,
  effortFor,
  effortWithin,
  mostPassingSql,
  mostPassingWithin,
  placeInSample,
  shareOf,
} from '../../../../../src/db/search/effort.ts';

test('the narrower a filter that is not for one by one, the more candidates a round of the index has: 100 to 1,000', () => {
  const shares = [1, 0.95, 0.9, 0.89, 0.5, 0.45, 0.3, 0.2, 0.18, 0.15, 0.1, 0.01, 0];
  expect(shares.map((share) => effortFor(share, [{}]))).toEqual([
    100, 100, 100, 200, 200, 200, 400, 500, 500, 750, 1000, 1000, 1000,
  ]);
  expect([
    shareOf({ looked: 4000, passing: 400 }),
    shareOf({ looked: 199, passing: 199 }),
    shareOf({ looked: 0, passing: 0 }),
  ]).toEqual([0.1, 0, 0]);
});

test('an index that was measured is searched as far as that says, and as much farther under a filter; a binary one has all that it takes', () => {
  const of = (space: object) => [1, 0.9, 0.89, 0.5, 0.1].map((share) => effortFor(share, [{}, space]));
  expect(of({ candidates: 100 })).toEqual([100, 100, 200, 200, 1000]);
  expect(of({ candidates: 400 })).toEqual([400, 400, 500, 750, 1000]);
  expect(of({ isBinary: true, candidates: 400 })).toEqual([400, 500, 500, 1000, 1000]);
  expect(of({ isBinary: true })).toEqual([1000, 1000, 1000, 1000, 1000]);
});

test('what passes is ranked one by one up to 4,000 products, or 25 times the root of the catalog, and never over 50,000', () => {
  expect(mostPassingSql('simili.embedding_1')).toContain('greatest(4000, least(50000, 25 * sqrt(');
});

test('an index of one category is never asked for fewer than 200 candidates, and more are ranked by it the narrower the rest of a filter is', () => {
  const shares = [1.2, 1, 0.75, 0.74, 0.3, 0.2, 0.15, 0];
  const efforts = [200, 200, 200, 400, 500, 750, 1000, 1000];
  const of = (products: number, candidates: number | null = null, ranked = false) => ({
    products,
    candidates,
    ranked: [ranked],
  });
  expect(shares.map((share) => effortWithin(share, of(20_000)))).toEqual(efforts);
  expect([2000, 25_000, 25_001, 450_000].map((products) => effortWithin(1, of(products)))).toEqual([
    200, 200, 400, 400,
  ]);
  expect(effortWithin(0.5, of(100_000))).toBe(1000);
  // By as many as were measured, whatever the size.
  expect([200, 400, 500, 750, 1000].map((candidates) => effortWithin(1, of(100_000, candidates)))).toEqual([
    ...EFFORTS_WITHIN,
  ]);
  expect([effortWithin(0.5, of(100_000, 200)), effortWithin(0.5, of(2000, 750))]).toEqual([400, 1000]);
  expect(effortWithin(1, of(100_000, null, true))).toBe(200); // all are ranked: as many of them are kept
  expect([2000, 10_000, 1_000_000].map(mostPassingWithin)).toEqual([1118, 2500, 25_000]);
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
