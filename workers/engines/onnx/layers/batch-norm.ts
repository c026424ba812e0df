import { normEpsilon } from '../../../../src/learning/network/normalise.ts';
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
  const scaled = (value: Value): FeatureMap => ({ ...input, value: graph.add(graph.multiply(value, scale), bias) });
  if (!training) return { output: scaled(input.value) };

  const mean = withinChannel(graph, 'mean', input.value);
  const centred = graph.subtract(input.value, mean);
  const variance = withinChannel(graph, 'mean', graph.multiply(centred, centred));
  const perDeviation = graph.op('Reciprocal', [graph.op('Sqrt', [graph.add(variance, graph.scalar(normEpsilon))])]);
  const normed = graph.multiply(centred, perDeviation);
  const flat = (value: Value) => graph.reshape(value, [input.shape[2]]);
  training.statistic(`${prefix}.mean`, flat(mean));
  training.statistic(`${prefix}.variance`, flat(variance));
  return {
    output: scaled(normed),
    backward: (gradient) => {
      const { value } = inBlocks(graph, gradient, input.block);
      const byBias = withinChannel(graph, 'sum', value);
      const byScale = withinChannel(graph, 'sum', graph.multiply(value, normed));
      const count = graph.scalar(training.batch * input.shape[0] * input.shape[1]);
      const shared = graph.divide(graph.add(byBias, graph.multiply(normed, byScale)), count);
      const byInput = graph.multiply(graph.subtract(value, shared), graph.multiply(scale, perDeviation));
      return {
        input: { ...input, value: byInput },
        weights: { [names.scale]: flat(byScale), [names.bias]: flat(byBias) },
      };
    },
  };
}
