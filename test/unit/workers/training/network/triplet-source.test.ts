import { expect, test } from 'vitest';
import { type RecipeName, recipeNamed } from '../../../../../learning/recipes/recipe.ts';
import type { WeightedTriplet } from '../../../../../learning/relevance/relevance.ts';
import { itemAt } from '../../../../../workers/training/data/item-at.ts';
import type { Fit } from '../../../../../workers/training/fit.ts';
import { rankingSource } from '../../../../../workers/training/network/batches.ts';

/** Products of one to three pictures in four categories, one alone in its own and one of none. */
const sizes = Array.from({ length: 26 }, (_, i) => 1 + (i % 3));
const starts = Int32Array.from({ length: sizes.length + 1 }, (_, i) =>
  sizes.slice(0, i).reduce((sum, n) => sum + n, 0),
);
const categories = Int32Array.from(sizes, (_, i) => (i < 24 ? i % 4 : i === 24 ? 4 : -1));
const set = { starts, categories, splits: new Uint8Array(sizes.length), hashes: new Uint8Array(), pixels: {} };
const categoryOf = (picture: number) => categories[itemAt(starts, picture)]!;

/** Two pictures of a category are alike where their numbers add up to an even one. */
const ofPictures = (a: number, b: number) => {
  if (a === b) return 1;
  if (categoryOf(a) < 0 || categoryOf(a) !== categoryOf(b)) return 0;
  return (a + b) % 2 === 0 ? 0.4 : 0.02;
};

function triplets(recipe: RecipeName, clicks: readonly WeightedTriplet[] = [], columns = categories) {
  const fit = {
    set: { ...set, categories: columns },
    seed: 1,
    recipe: recipeNamed(recipe),
    golden: { relevance: () => 0.1, relevanceOfPictures: ofPictures },
    clicks: { triplets: clicks, chosen: clicks.length === 0 ? 0 : 10_000, relevance: () => undefined },
  } as unknown as Fit;
  const source = rankingSource(fit);
  return Array.from({ length: 20 }, () => source.next().pictures).flatMap((pictures) =>
    Array.from({ length: 64 }, (_, t) => ({ q: pictures[t]!, p: pictures[64 + t]!, n: pictures[128 + t]! })),
  );
}

test('deepRanking never shows a picture as its own positive; relevanceGap does, as other views of it', () => {
  const own = (recipe: RecipeName) =>
    triplets(recipe).filter(({ q, p }) => itemAt(starts, q) === itemAt(starts, p) && q === p);
  expect(own('deepRanking')).toEqual([]);
  expect(own('relevanceGap').length).toBeGreaterThan(0);
});

test('deepRanking asks for the relevance of the pictures that it shows', () => {
  for (const { q, p, n } of triplets('deepRanking')) {
    expect(categoryOf(p)).toBe(categoryOf(q));
    expect(ofPictures(q, p)).toBeGreaterThan(ofPictures(q, n));
  }
});

test('what shoppers chose is of the first pictures, which they saw', () => {
  const firsts = new Set(starts);
  const chosen = triplets('deepRanking', [{ q: 0, p: 4, n: 8, weight: 1 }]).filter(
    ({ q, p, n }) => q === starts[0] && p === starts[4] && n === starts[8],
  );
  expect(chosen.length / 1280).toBeGreaterThan(0.4);
  expect(firsts.has(chosen[0]!.p)).toBe(true);
});

test('deepRanking learns nothing where no category has two pictures, and says so', () => {
  const none = new Int32Array(sizes.length).fill(-1);
  expect(() => triplets('deepRanking', [], none)).toThrow(expect.objectContaining({ code: 'CATALOG_UNLABELLED' }));
});
