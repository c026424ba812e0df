import { expect, test } from 'vitest';
import { makeRandom } from '../../../../../learning/numbers/random.ts';
import { recipeNamed } from '../../../../../learning/recipes/recipe.ts';
import { whatCategoriesTeach } from '../../../../../workers/training/features/taught.ts';
import type { TrainingSet } from '../../../../../workers/training/protocol.ts';

const KINDS = 6;
const recipe = recipeNamed('catalog');

/** Products of one picture, by kinds that show a little in one of eight directions. */
function shop(items: number, categories: (kind: number, i: number) => number) {
  const random = makeRandom(9);
  const vectors = Array.from({ length: items }, (_, i) =>
    Array.from({ length: 8 }, (_, d) => random.gaussian() + (d === 0 ? 1.2 * (i % KINDS) : 0)),
  );
  const set = {
    starts: Int32Array.from({ length: items + 1 }, (_, i) => i),
    categories: Int32Array.from({ length: items }, (_, i) => categories(i % KINDS, i)),
    splits: Uint8Array.from({ length: items }, (_, i) => (i % 7 === 5 ? 1 : i % 7 === 6 ? 2 : 0)),
  } as TrainingSet;
  const distance = (a: number, b: number) =>
    vectors[a]!.reduce((sum, value, d) => sum + (value - vectors[b]![d]!) ** 2, 0);
  return whatCategoriesTeach(set, recipe.categories, distance);
}

test('categories whose products look alike teach, however small the shop', () => {
  for (const items of [80, 1000]) {
    const { taught } = shop(items, (kind) => kind);
    expect(taught).toMatchObject({ classes: KINDS, weight: 1, temperature: 0.1 });
  }
});

test('categories that are noise have weight 0, whatever the chance', () => {
  let heard = 0;
  for (let seed = 0; seed < 40; seed++) {
    const random = makeRandom(seed);
    const { taught, why } = shop(200, () => random.int(KINDS));
    if (taught) heard++;
    else expect(why).toContain('Weight 0');
  }
  expect(heard).toBeLessThanOrEqual(1); // three standard deviations of chance
});

test('one category, or none of two products, teaches nothing, and one sentence says so', () => {
  expect(shop(100, () => 0)).toEqual({ taught: null, why: 'There are no two categories of two products' });
  expect(shop(100, (_kind, i) => i).taught).toBeNull();
  expect(shop(100, () => -1).taught).toBeNull();
});

test('proxies weigh less where products have several pictures, which say more', () => {
  const random = makeRandom(1);
  const columns = { categories: Int32Array.from({ length: 120 }, (_, i) => i % 2), splits: new Uint8Array(120) };
  const weightOf = (pictures: (i: number) => number) => {
    const starts = new Int32Array(121);
    for (let i = 0; i < 120; i++) starts[i + 1] = starts[i]! + pictures(i);
    const itemOf = (picture: number) => starts.findLastIndex((start) => start <= picture);
    const distance = (a: number, b: number) => (itemOf(a) % 2 === itemOf(b) % 2 ? 0 : 1) + random.next();
    return whatCategoriesTeach({ ...columns, starts } as TrainingSet, recipe.categories, distance).taught!.weight;
  };
  expect(weightOf(() => 1)).toBe(1);
  expect(weightOf(() => 3)).toBeCloseTo(0.3, 9);
  expect(weightOf((i) => (i < 60 ? 1 : 3))).toBeCloseTo(0.65, 9);
});
