import { expect, test } from 'vitest';
import { makeRandom } from '../../../../../learning/numbers/random.ts';
import { structureTriplets } from '../../../../../workers/training/triplets/of-catalog.ts';

/** Categories of this many items each, then items without one; all are asked. */
function catalog(sizes: readonly number[], without = 0) {
  const categories = Int32Array.from([
    ...sizes.flatMap((size, category) => Array<number>(size).fill(category)),
    ...Array<number>(without).fill(-1),
  ]);
  return {
    columns: { categories, splits: new Uint8Array(categories.length) },
    chosen: categories.map((_, item) => item),
  };
}

test('of a catalog that is nearly all of one category triplets are drawn at once', () => {
  const { columns, chosen } = catalog([100_000, 3]);
  const random = makeRandom(1);
  let draws = 0;
  const int = (n: number) => {
    draws++;
    return random.int(n);
  };
  const triplets = structureTriplets(columns, chosen, { ...random, int }, 300);
  expect(triplets.length).toBe(300);
  expect(draws).toBeLessThan(3000);
});

test('there, too, every triplet is as likely as by trials', () => {
  // (m - 1) (N - m) of a category: 7999 x 5, 2 x 8002 and 0.
  const { columns, chosen } = catalog([8000, 3, 1], 1);
  const triplets = structureTriplets(columns, chosen, makeRandom(2), 20_000);
  const categoryOf = (item: number) => columns.categories[item];
  const isRight = triplets.map(
    ({ q, p, n }) => categoryOf(p) === categoryOf(q) && categoryOf(n) !== categoryOf(q) && p !== q,
  );
  expect(isRight).not.toContain(false);
  const share = (is: (triplet: (typeof triplets)[number]) => boolean) => triplets.filter(is).length / triplets.length;
  const large = (7999 * 5) / (7999 * 5 + 2 * 8002);
  expect(Math.abs(share(({ q }) => q < 8000) - large)).toBeLessThan(0.015);
  for (const other of [8000, 8001, 8002, 8003, 8004])
    expect(Math.abs(share(({ q, n }) => q < 8000 && n === other) - large / 5)).toBeLessThan(0.01);
  for (const [q, p] of [
    [8000, 8001],
    [8000, 8002],
    [8001, 8000],
    [8001, 8002],
    [8002, 8000],
    [8002, 8001],
  ])
    expect(Math.abs(share((one) => one.q === q && one.p === p) - (1 - large) / 6)).toBeLessThan(0.01);
});
