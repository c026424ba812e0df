import { expect, test } from 'vitest';
import { presetNames as presets } from '../../../learning/network/presets.ts';
import { recipeNames as recipes } from '../../../learning/recipes/recipe.ts';
import { presetNames, recipeNames } from '../../../src/training-names.ts';

test('what a request may ask for is what a training knows, name by name', () => {
  expect([presetNames, recipeNames]).toEqual([presets, recipes]);
});
