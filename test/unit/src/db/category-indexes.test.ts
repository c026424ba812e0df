import { expect, test } from 'vitest';
import { type Category, isRankedAsWhole, largeCategories } from '../../../../src/db/category-indexes.ts';

const ALL = 100_000;
const found = (...sizes: number[]): Category[] => sizes.map((products, i) => ({ category: `c${i}`, products }));
const sizesOf = (categories: readonly Category[]) => categories.map(({ products }) => products);

test('categories of 1,000 products to 45 % of the catalog have an index of their own', () => {
  expect(sizesOf(largeCategories(found(45_001, 45_000, 1000, 999), ALL))).toEqual([45_000, 1000]);
});

test('the largest do, sixteen at most, and together they have no more products than the catalog', () => {
  expect(sizesOf(largeCategories(found(...Array.from({ length: 20 }, (_, i) => 3000 - i)), ALL))).toHaveLength(16);
  expect(sizesOf(largeCategories(found(40_000, 40_000, 30_000, 20_000, 2000), ALL))).toEqual([40_000, 40_000, 20_000]);
  expect(largeCategories([], 0)).toEqual([]);
});

test('categories of up to 12,500 products are ranked as a whole', () => {
  const ranked = (all: number, ...sizes: number[]) => sizes.map((products) => isRankedAsWhole(products, all));
  expect(ranked(40_000, 1, 10_000, 10_001)).toEqual([true, true, false]);
  expect(ranked(250_000, 25_000, 25_001)).toEqual([true, false]);
  expect(ranked(9_000_000, 25_000, 25_001)).toEqual([true, false]);
});
