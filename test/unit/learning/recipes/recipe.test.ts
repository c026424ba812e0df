import { expect, test } from 'vitest';
import { recipeFor, whyInstead } from '../../../../learning/recipes/recipe.ts';

test('a head is trained where an encoder looks at pictures and nobody asked for a backbone, else what learns from pixels', () => {
  const followed = (name: string, encoder: boolean, backbone: boolean) => recipeFor(name, { encoder, backbone }).name;
  expect(followed('head', true, false)).toBe('head');
  expect(followed('head', false, false)).toBe('catalog');
  expect(followed('head', true, true)).toBe('catalog');
  expect(followed('deepRanking', true, false)).toBe('deepRanking');
});

test('a recipe that is followed instead of the one that was asked for is named, with the reason', () => {
  const catalog = recipeFor('catalog', { encoder: true, backbone: false });
  expect(whyInstead('catalog', catalog)).toBeNull();
  expect(whyInstead('head', catalog)).toBe(
    'The recipe head needs an encoder and no backbone: catalog is followed instead',
  );
});
