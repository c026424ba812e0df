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

/**
 * Values of SIMILI_ENGINE: an engine of workers/engines/engines.ts, or a choice among them. docs/engines.md tells what
 * each is.
 */
export const engineChoices = ['auto', 'onnx', 'onnx-cuda', 'onnx-webgpu', 'tensorflow', 'tensorflow-webgpu'] as const;
