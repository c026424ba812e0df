import type { Graph, Value } from '../graph.ts';
import { crossEntropy } from './cross-entropy.ts';
import { type LossGraph, NEVER, similarities, throughSimilarities } from './loss-graph.ts';

/** Cross-entropy of who is similar to whom: the logits are s(i, j) / temperature, without a row's own. */
export function infoNce(
  graph: Graph,
  embeddings: Value,
  batch: number,
): LossGraph & {
  /** Scalar: mean share of a row's softmax that is elsewhere than its target. */ readonly elsewhere: Value;
} {
  const targets = graph.input('targets', [batch, batch]);
  const sharpness = graph.input('sharpness', []); // 1 / temperature
  const scaled = graph.multiply(similarities(graph, embeddings), sharpness);
  const own = graph.constant({ shape: [batch, batch], data: diagonal(batch, NEVER) });
  const { loss, activeShare, gradient } = crossEntropy(graph, graph.add(scaled, own), targets);
  return {
    loss,
    activeShare,
    gradient: throughSimilarities(graph, graph.multiply(gradient, sharpness), embeddings),
    // The gradient by the logits is (softmax - target) / rows; what is too much here is missing there.
    elsewhere: graph.multiply(graph.sum(graph.op('Abs', [gradient]), [0, 1], 0), graph.scalar(0.5)),
  };
}

function diagonal(n: number, value: number): Float32Array {
  const data = new Float32Array(n * n);
  for (let i = 0; i < n; i++) data[i * n + i] = value;
  return data;
}
