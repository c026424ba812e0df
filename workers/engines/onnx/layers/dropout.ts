import { type FeatureMap, inBlocks, unflatten } from './feature-map.ts';
import { noWeights, type Site, type Stage } from './stage.ts';

/** x · mask in training; nothing when embedding. */
export function dropout({ graph, training }: Site, name: string, input: FeatureMap): Stage {
  if (!training) return { output: input };
  const mask = unflatten(graph, training.mask(name), input.shape, input.block).value;
  const masked = (value: string): FeatureMap => ({ ...input, value: graph.multiply(value, mask) });
  return {
    output: masked(input.value),
    backward: (gradient) => ({
      input: masked(inBlocks(graph, gradient, input.block).value),
      weights: noWeights,
    }),
  };
}
