import type { Graph, Value } from '../graph.ts';
import type { LossGraph } from './loss-graph.ts';

/**
 * Mean over the rows i that have a target of - sum_j target_ij log softmax_j(logits_ij); gradient by the logits:
 * (softmax - target) / rows. [N, M], [N, M]; a row of targets sums to 1, or is 0.
 */
export function crossEntropy(graph: Graph, logits: Value, targets: Value): LossGraph {
  const total = (value: Value) => graph.sum(value, [0, 1], 0);
  const shifted = graph.subtract(logits, graph.max(logits, [1], 1));
  const powers = graph.op('Exp', [shifted]);
  const sums = graph.sum(powers, [1], 1);
  const probability = graph.divide(powers, sums);
  const logProbability = graph.subtract(shifted, graph.op('Log', [sums]));
  const weight = graph.sum(targets, [1], 1); // [N, 1]: 1 or 0
  const counts = graph.positive(weight);
  // At least 1: without any target nothing is divided by zero.
  const none = graph.subtract(graph.scalar(1), graph.positive(total(counts)));
  const rows = graph.add(total(counts), none);
  const missed = graph.multiply(probability, graph.subtract(graph.scalar(1), graph.positive(targets)));
  return {
    loss: graph.subtract(graph.scalar(0), graph.divide(total(graph.multiply(targets, logProbability)), rows)),
    activeShare: graph.divide(total(graph.multiply(counts, missed)), rows),
    gradient: graph.divide(graph.subtract(graph.multiply(probability, weight), targets), rows),
  };
}
