import type { Graph, Value } from '../graph.ts';
import type { LossGraph } from './loss-graph.ts';

/**
 * Mean over B triplets of max(0, gap + |q-p|^2 - |q-n|^2) (paper, section 3), for embeddings [3B, D]: queries, positives,
 * negatives. Where a triplet is active, the gradients by q, p and n are 2(n-p), 2(p-q) and 2(q-n), over B; else 0.
 */
export function tripletHinge(graph: Graph, embeddings: Value, batch: number): LossGraph {
  const triplets = batch / 3;
  const gaps = graph.reshape(graph.input('gaps', [triplets]), [triplets, 1]);
  const third = (i: number) => graph.slice(embeddings, 0, i * triplets, (i + 1) * triplets);
  const [query, positive, negative] = [third(0), third(1), third(2)]; // 3 x [B, D]
  const toPositive = graph.subtract(query, positive);
  const toNegative = graph.subtract(query, negative);
  const squared = (difference: Value) => graph.sum(graph.multiply(difference, difference), [1], 1); // [B, 1]
  const margin = graph.add(graph.subtract(squared(toPositive), squared(toNegative)), gaps);
  const active = graph.positive(margin);
  const pull = graph.multiply(active, graph.scalar(2 / triplets));
  const directions = [graph.subtract(negative, positive), graph.subtract(positive, query), toNegative];
  return {
    loss: graph.mean(graph.op('Relu', [margin]), [0, 1], 0),
    activeShare: graph.mean(active, [0, 1], 0),
    gradient: graph.concat(
      directions.map((direction) => graph.multiply(pull, direction)),
      0,
    ),
  };
}
