import type { Loss } from '@simili/learning/losses/loss';
import type { Tensor } from '@simili/learning/network/spec';
import type { Graph, Value } from '../graph.ts';
import { distillation } from './distillation.ts';
import { infoNce } from './info-nce.ts';
import type { LossGraph } from './loss-graph.ts';
import { multiSimilarity } from './multi-similarity.ts';
import { oneHot, proxyInputs } from './proxies.ts';
import { softmax } from './softmax.ts';
import { tripletHinge } from './triplet-hinge.ts';

/** @param rows [N, D]: unit embeddings; of the softmax, the linear embedding. */
type BuildLoss = (graph: Graph, rows: Value, batch: number, dimensions: number) => LossGraph;

export const lossGraphs: Record<Loss['kind'], BuildLoss> = {
  tripletHinge,
  infoNce,
  multiSimilarity,
  softmax,
  distillation,
};

/**
 * Inputs of the graph of a loss, by name.
 * @param classes categories that have a proxy
 * @throws RangeError when it is not for a batch of N embeddings of length D, or so many proxies.
 */
export const lossInputs = (loss: Loss, batch: number, dimensions: number, classes = 0): Record<string, Tensor> => ({
  ...ownInputs(loss, batch, dimensions),
  ...proxyInputs(loss.proxies, batch, classes),
});

function ownInputs(loss: Loss, batch: number, dimensions: number): Record<string, Tensor> {
  switch (loss.kind) {
    case 'tripletHinge':
      return { gaps: values('gaps', loss.gaps, [batch / 3]) };
    case 'infoNce':
      return {
        targets: values('targets', loss.targets, [batch, batch]),
        sharpness: scalar(1 / loss.temperature),
      };
    case 'multiSimilarity': {
      const { pairs, alpha, beta, base } = loss;
      return {
        pairs: values('pairs', pairs, [batch, batch]),
        alpha: scalar(alpha),
        beta: scalar(beta),
        base: scalar(base),
      };
    }
    case 'softmax':
      return { labels: { shape: [batch, dimensions], data: oneHot(loss.labels, batch, dimensions) } };
    case 'distillation':
      return {
        targets: values('targets', loss.targets, [batch, batch]),
        sharpness: scalar(1 / loss.temperature),
        vectors: values('vectors', loss.vectors, [batch, dimensions]),
        regression: scalar(loss.regression),
      };
  }
}

const scalar = (value: number): Tensor => ({ shape: [], data: Float32Array.of(value) });

function values(name: string, data: Float32Array, shape: readonly number[]): Tensor {
  if (data.length === shape.reduce((product, side) => product * side, 1)) return { shape, data };
  throw new RangeError(`${data.length} ${name} are not [${shape}]`);
}
