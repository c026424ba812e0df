import { normEpsilon } from '@simili/learning/network/normalise';
import type { Value } from '../graph.ts';
import { type FeatureMap, inBlocks, perChannel, withinChannel } from './feature-map.ts';
import type { Site, Stage } from './stage.ts';

/**
 * Batch normalisation (Ioffe and Szegedy 2015). In training with the batch's statistics, through which the gradient flows
 * too; when embedding, `fold` has put the running ones into scale and bias.
 */
export function batchNorm(site: Site, prefix: string, input: FeatureMap): Stage {
  const { graph, weight, training } = site;
  const names = { scale: `${prefix}.scale`, bias: `${prefix}.bias` };
  const channel = (value: Value) => perChannel(graph, value, input);
  const scale = channel(weight(names.scale));
  const bias = channel(weight(names.bias));
  if (!training) return { output: { ...input, value: graph.add(graph.multiply(input.value, scale), bias) } };

  const mean = withinChannel(graph, 'mean', input);
  const centred = graph.subtract(input.value, mean);
  const variance = withinChannel(graph, 'mean', { ...input, value: graph.multiply(centred, centred) });
  const perDeviation = graph.op('Reciprocal', [graph.op('Sqrt', [graph.add(variance, graph.scalar(normEpsilon))])]);
  const slope = graph.multiply(scale, perDeviation);
  const flat = (value: Value) => graph.reshape(value, [input.shape[2]]);
  training.statistic(`${prefix}.mean`, flat(mean));
  training.statistic(`${prefix}.variance`, flat(variance));
  return {
    output: { ...input, value: graph.add(graph.multiply(centred, slope), bias) },
    backward: (gradient) => {
      const { value } = inBlocks(graph, gradient, input.block);
      const sum = (of: Value) => withinChannel(graph, 'sum', { ...input, value: of });
      const byBias = sum(value);
      const byScale = graph.multiply(sum(graph.multiply(value, centred)), perDeviation);
      // What is small is put together first: each operation on a whole map is a way through the memory.
      const share = graph.scalar(1 / (training.batch * input.shape[0] * input.shape[1]));
      const even = graph.multiply(byBias, share);
      const along = graph.multiply(graph.multiply(byScale, perDeviation), share);
      const spread = graph.subtract(graph.subtract(value, even), graph.multiply(centred, along));
      const byInput = graph.multiply(spread, slope);
      return {
        input: { ...input, value: byInput },
        weights: { [names.scale]: flat(byScale), [names.bias]: flat(byBias) },
      };
    },
  };
}
