import { expect, test } from 'vitest';
import { presetNames as presets } from '../../../learning/network/presets.ts';
import { recipeNames as recipes } from '../../../learning/recipes/recipe.ts';
import { engineChoices, presetNames, recipeNames } from '../../../src/training-names.ts';
import { engineIds } from '../../../workers/engines/engines.ts';

test('what a request may ask for is what a training knows, name by name', () => {
  expect([presetNames, recipeNames]).toEqual([presets, recipes]);
});

test('what SIMILI_ENGINE may be is an engine that there is, or a choice among several', () => {
  const names: readonly string[] = ['auto', 'tensorflow', ...engineIds];
  expect(engineChoices.filter((choice) => !names.includes(choice))).toEqual([]);
});
