import { expect, test } from 'vitest';
import { recipeNamed } from '../../../../../learning/recipes/recipe.ts';
import { candidatesFor } from '../../../../../workers/training/head/index.ts';

/** Weights of categories of the heads that are tried, without those that come several times. */
const triedBy = (teachers: { identities?: number; chosen?: number; classes?: number }) => {
  const none = { identities: 0, chosen: 0, classes: 0, labels: new Int32Array(), set: {} as never };
  const tried = candidatesFor({ recipe: recipeNamed('head') }, { ...none, ...teachers });
  return [...new Set(tried.map(({ categories }) => categories))];
};

test('choices alone teach a head from a hundred products on; a handful is no shop, and moves the shares alone', () => {
  expect(triedBy({ chosen: 99 })).toEqual([]);
  expect(triedBy({ chosen: 100 })).toEqual([0]);
  expect(triedBy({ chosen: 99, classes: 2 })).toEqual([1]);
  expect(triedBy({ chosen: 100, classes: 2 })).toEqual([0, 1]);
  expect(triedBy({ identities: 1 })).toEqual([0]);
});
