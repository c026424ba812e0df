import type { Graph, Value } from '../graph.ts';

/** A loss in a graph. */
export type LossGraph = {
  /** Scalar. */
  readonly loss: Value;
  /** Scalar; what it counts is defined in engine.ts. */
  readonly activeShare: Value;
  /** Gradient of the loss, by the rows that it reads [N, D]. */
  readonly gradient: Value;
};

/** Stands for minus infinity: exp of it is 0, and 0 times it is 0. */
export const NEVER = -1e9;

/** s(i, j) = a_i · a_j. [N, D] -> [N, N] */
export const similarities = (graph: Graph, rows: Value): Value => graph.op('Gemm', [rows, rows], { transB: 1 });

/** Gradient by the rows, given that by their similarities: row i is on both sides of the product. */
export function throughSimilarities(graph: Graph, gradient: Value, rows: Value): Value {
  const bothWays = graph.add(gradient, graph.transpose(gradient, [1, 0]));
  return graph.op('MatMul', [bothWays, rows]);
}
