import { type FeatureMap, inBlocks } from './feature-map.ts';
import { noWeights, type Site, type Stage } from './stage.ts';

/** max(0, x). The gradient at 0 is 0. */
export function relu({ graph }: Site, input: FeatureMap): Stage {
  const output = { ...input, value: graph.op('Relu', [input.value]) };
  return {
    output,
    backward: (gradient) => {
      const { value } = inBlocks(graph, gradient, input.block);
      const passed = graph.multiply(value, graph.positive(output.value));
      return { input: { ...input, value: passed }, weights: noWeights };
    },
  };
}
