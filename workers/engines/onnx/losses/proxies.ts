import type { Graph, Value } from '../graph.ts';
import { l2Norm } from '../layers/l2-norm.ts';
import { crossEntropy } from './cross-entropy.ts';
import type { LossGraph } from './loss-graph.ts';

/**
 * Normalised softmax over categories (Zhai and Wu 2019): each has a proxy, a vector that is learned with the embedding, and
 * the logits are the cosines of a row with all of them over a temperature. Mean over the rows that have a category.
 * @param rows unit embeddings [N, D]
 * @param proxies [C, D], of any length
 * @param labels [N, C]: a row with a 1 at its category, or of zeros
 * @returns also the gradient by the proxies
 */
export function proxySoftmax(
  graph: Graph,
  rows: Value,
  proxies: Value,
  labels: Value,
  temperature: number,
): LossGraph & { readonly proxyGradient: Value } {
  const sharpness = graph.scalar(1 / temperature);
  const unit = l2Norm(graph, proxies);
  const logits = graph.multiply(graph.op('Gemm', [rows, unit.output], { transB: 1 }), sharpness);
  const { loss, activeShare, gradient } = crossEntropy(graph, logits, labels);
  const byCosines = graph.multiply(gradient, sharpness); // [N, C]
  return {
    ...{ loss, activeShare },
    gradient: graph.op('MatMul', [byCosines, unit.output]),
    proxyGradient: unit.backward(graph.op('Gemm', [byCosines, rows], { transA: 1 })),
  };
}
