import type { Block, ServedModel } from '@simili/learning/models/served-model';
import type { Graph, Value } from '../graph.ts';
import { unitRows } from './picture.ts';

/**
 * The served vector, `fuse` of learning/whitening/whitening.ts in ONNX operators: [n, k], unit rows.
 * @param rowsOf the feature of a block, [n, d]
 */
export function servedVector(graph: Graph, blocks: ServedModel['blocks'], rowsOf: (block: Block) => Value): Value {
  const parts = blocks.map((block) =>
    graph.multiply(applyBlock(graph, block, rowsOf(block)), graph.scalar(Math.sqrt(block.weight))),
  );
  return unitRows(graph, graph.concat(parts, 1));
}

/** A feature that saw nothing is 0 and stays 0. */
function applyBlock(graph: Graph, { mean, projection }: Block, rows: Value): Value {
  const d = mean.length;
  const seen = graph.isPositive(graph.sum(graph.op('Abs', [rows]), [1], 1));
  const centred = graph.subtract(rows, graph.constant({ shape: [d], data: mean }));
  const matrix = graph.constant({ shape: [projection.length / d, d], data: projection });
  const projected = graph.op('MatMul', [centred, graph.transpose(matrix, [1, 0])]);
  return unitRows(graph, graph.where(seen, projected, graph.scalar(0)));
}
