/** Networks that a training may be asked for. learning/network/presets.ts has them; a test keeps the two lists equal. */
export const presetNames = [
  'paper',
  'paperSingleScale',
  'standard',
  'standardSingleScale',
  'small',
  'smallSingleScale',
  'tiny',
  'tinySingleScale',
] as const;

/** Recipes that a training may be asked for. learning/recipes/recipe.ts has them; a test keeps the two lists equal. */
export const recipeNames = ['head', 'catalog', 'deepRanking', 'relevanceGap', 'multiSimilarity', 'softmax'] as const;
