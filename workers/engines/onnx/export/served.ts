import { isHandMade } from '../../../../src/learning/features/index.ts';
import type { Block, ServedModel } from '../../../../src/learning/served-model.ts';
import type { Graph, Value } from '../graph.ts';
import { featureGraphs } from './features.ts';
import { toFloat, unitRows } from './picture.ts';

export type ServedInputs = {
  /** uint8 [n, 64, 64, 3] */
  readonly pictures: Value;
  /** [n, D] */
  readonly embeddings: Value;
  /** [n, dimensions] by the id of an encoder. */
  readonly encoded: Readonly<Record<string, Value>>;
};

/** The served vector, `fuse` of src/learning/whitening.ts in ONNX operators: [n, k], unit rows. */
export function servedVector(graph: Graph, blocks: ServedModel['blocks'], inputs: ServedInputs): Value {
  const pictures = toFloat(graph, inputs.pictures);
  const parts = blocks.map((block) => {
    const { feature } = block;
    const rows = isHandMade(feature)
      ? featureGraphs[feature](graph, pictures)
      : (inputs.encoded[feature] ?? inputs.embeddings);
    return graph.multiply(applyBlock(graph, block, rows), graph.scalar(Math.sqrt(block.weight)));
  });
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
