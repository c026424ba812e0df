import { normFloor } from '@simili/learning/network/normalise';
import type { Graph, Value } from '../graph.ts';

/** Rows scaled to unit length. [N, n] -> [N, n]. */
export function l2Norm(graph: Graph, input: Value) {
  const squares = graph.sum(graph.multiply(input, input), [1], 1);
  const length = graph.op('Sqrt', [graph.add(squares, graph.scalar(normFloor))]);
  const output = graph.divide(input, length);
  return {
    output,
    backward: (gradient: Value): Value => {
      const along = graph.sum(graph.multiply(gradient, output), [1], 1);
      return graph.divide(graph.subtract(gradient, graph.multiply(output, along)), length);
    },
  };
}
