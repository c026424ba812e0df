import type { Graph, Value } from '../graph.ts';
import { type LossGraph, NEVER, similarities, throughSimilarities } from './loss-graph.ts';

/** Formula in learning/losses/loss.ts. Both of its terms are one soft maximum of 0 and the pairs' exponents. */
export function multiSimilarity(graph: Graph, embeddings: Value, batch: number): LossGraph {
  const pairs = graph.input('pairs', [batch, batch]);
  const [alpha, beta, base] = ['alpha', 'beta', 'base'].map((name) => graph.input(name, [])) as [Value, Value, Value];
  const isPositive = graph.isPositive(pairs);
  const isNegative = graph.isPositive(graph.op('Neg', [pairs]));
  const similarity = similarities(graph, embeddings);
  const above = graph.subtract(similarity, base);
  const among = (chosen: Value, exponents: Value) => graph.where(chosen, exponents, graph.scalar(NEVER));
  const pull = softMaximum(graph, among(isPositive, graph.op('Neg', [graph.multiply(above, alpha)])));
  const push = softMaximum(graph, among(isNegative, graph.multiply(above, beta)));

  const cost = graph.add(graph.divide(pull.value, alpha), graph.divide(push.value, beta)); // [N, 1]
  const slope = graph.multiply(graph.subtract(push.shares, pull.shares), graph.scalar(1 / batch));
  const nearest = graph.max(among(isNegative, similarity), [1], 1);
  const farthest = graph.max(among(isPositive, graph.op('Neg', [similarity])), [1], 1); // minus the least similarity
  return {
    loss: graph.mean(cost, [0, 1], 0),
    activeShare: graph.mean(graph.positive(graph.add(nearest, farthest)), [0, 1], 0),
    gradient: throughSimilarities(graph, slope, embeddings),
  };
}

/** log(1 + sum_j exp(x_ij)) [N, 1] and its gradient by x [N, M], without overflow. */
function softMaximum(graph: Graph, x: Value) {
  const top = graph.op('Relu', [graph.max(x, [1], 1)]);
  const powers = graph.op('Exp', [graph.subtract(x, top)]);
  const sums = graph.add(graph.sum(powers, [1], 1), graph.op('Exp', [graph.op('Neg', [top])]));
  return { value: graph.add(top, graph.op('Log', [sums])), shares: graph.divide(powers, sums) };
}
