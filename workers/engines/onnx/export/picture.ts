import type { Graph, Value } from '../graph.ts';
import { elementType } from '../model-proto.ts';

/** uint8 -> float32 of the same numbers. */
export const toFloat = (graph: Graph, bytes: Value): Value => graph.op('Cast', [bytes], { to: elementType.float32 });

/** Sums over the box x box pixels of [n, side, side, 3] -> [n, side / box, side / box, 3]. */
export function boxSums(graph: Graph, values: Value, side: number, box: number): Value {
  if (box === 1) return values;
  const cells = side / box;
  return graph.sum(graph.reshape(values, [-1, cells, box, cells, box, 3]), [2, 4], 0);
}

/** uint8 RGB [n, side, side, 3] -> ink [n, size, size, 3], the exact mean of the pixels covered; `size` divides `side`. */
export function ink(graph: Graph, bytes: Value, side: number, size: number): Value {
  const box = side / size;
  const sums = boxSums(graph, toFloat(graph, bytes), side, box);
  return graph.subtract(graph.scalar(1), graph.divide(sums, graph.scalar(255 * box * box)));
}

/** Rows of unit length; a row of zeros stays zero. */
export function unitRows(graph: Graph, rows: Value): Value {
  const length = graph.op('Sqrt', [graph.sum(graph.multiply(rows, rows), [1], 1)]);
  return graph.divide(rows, graph.op('Max', [length, graph.scalar(1e-30)]));
}
