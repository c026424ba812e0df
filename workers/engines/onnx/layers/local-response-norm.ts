import type { LayerOf } from '@simili/learning/network/shapes';
import type { Value } from '../graph.ts';
import { type FeatureMap, inBlocks } from './feature-map.ts';
import { noWeights, type Site, type Stage } from './stage.ts';

/**
 * x / s^beta, s = k + alpha · (sum of x² over the channels around). The sum is a 1x1 convolution with a banded matrix,
 * which every provider has, and which is its own transpose: the gradient is
 *   g / s^beta - 2 alpha beta x · sum over the channels around of (g y / s).
 */
export function localResponseNorm({ graph }: Site, layer: LayerOf<'localResponseNorm'>, input: FeatureMap): Stage {
  const map = inBlocks(graph, input, 1);
  const band = graph.constant(bandedMatrix(map.shape[2], layer.size));
  const around = (value: Value) => graph.op('Conv', [value, band], { kernel_shape: [1, 1] });
  const x = map.value;
  const weighted = graph.multiply(around(graph.multiply(x, x)), graph.scalar(layer.alpha));
  const s = graph.add(weighted, graph.scalar(layer.k));
  const factor = graph.op('Pow', [s, graph.scalar(-layer.beta)]);
  const y = graph.multiply(x, factor);
  return {
    output: { ...map, value: y },
    backward: (gradient) => {
      const g = inBlocks(graph, gradient, 1).value;
      const shared = graph.multiply(x, around(graph.divide(graph.multiply(g, y), s)));
      const through = graph.multiply(shared, graph.scalar(2 * layer.alpha * layer.beta));
      return { input: { ...map, value: graph.subtract(graph.multiply(g, factor), through) }, weights: noWeights };
    },
  };
}

/** [channels, channels, 1, 1]: 1 where two channels are at most (size - 1) / 2 apart. */
function bandedMatrix(channels: number, size: number) {
  const data = new Float32Array(channels * channels);
  for (let i = 0; i < data.length; i++) {
    const apart = Math.abs(Math.floor(i / channels) - (i % channels));
    if (2 * apart < size) data[i] = 1;
  }
  return { shape: [channels, channels, 1, 1], data };
}
