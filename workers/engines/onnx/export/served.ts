import type { Block, HiddenLayer, ServedModel } from '@simili/learning/models/served-model';
import type { Graph, Value } from '../graph.ts';
import { unitRows } from './picture.ts';

type Served = Pick<ServedModel, 'blocks' | 'hidden'>;

/**
 * The served vector, `fuse` of learning/whitening/whitening.ts in ONNX operators: [n, k], unit rows.
 * @param rowsOf the feature of a block, [n, d]
 */
export function servedVector(graph: Graph, { blocks, hidden }: Served, rowsOf: (block: Block) => Value): Value {
  const sideBySide = (parts: readonly Value[]): Value =>
    unitRows(
      graph,
      graph.concat(
        parts.map((part, b) => graph.multiply(part, graph.scalar(Math.sqrt(blocks[b]!.weight)))),
        1,
      ),
    );
  const seen = blocks.map((block) => isSeen(graph, rowsOf(block)));
  const parts = blocks.map((block, b) => applyBlock(graph, block, rowsOf(block), seen[b]!));
  const linear = sideBySide(parts);
  if (!hidden) return linear;
  const said = hiddenRows(graph, hidden, linear);
  let at = 0;
  const bent = blocks.map(({ mean, projection }, b) => {
    const start = at;
    at += projection.length / mean.length;
    const sum = graph.add(parts[b]!, graph.slice(said, 1, start, at));
    return unitRows(graph, graph.where(seen[b]!, sum, graph.scalar(0)));
  });
  return sideBySide(bent);
}

/** Whether a feature is not 0 all over: [n, 1]. */
const isSeen = (graph: Graph, rows: Value): Value => graph.isPositive(graph.sum(graph.op('Abs', [rows]), [1], 1));

/** A feature that saw nothing is 0 and stays 0. */
function applyBlock(graph: Graph, { mean, projection }: Block, rows: Value, seen: Value): Value {
  const d = mean.length;
  const centred = graph.subtract(rows, graph.constant({ shape: [d], data: mean }));
  const matrix = graph.constant({ shape: [projection.length / d, d], data: projection });
  const projected = graph.op('MatMul', [centred, graph.transpose(matrix, [1, 0])]);
  return unitRows(graph, graph.where(seen, projected, graph.scalar(0)));
}

/** outer relu(inner x + shift): [n, k] */
function hiddenRows(graph: Graph, { inner, shift, outer }: HiddenLayer, x: Value): Value {
  const units = shift.length;
  const length = inner.length / units;
  const times = (rows: Value, data: Float32Array, shape: [number, number]): Value =>
    graph.op('MatMul', [rows, graph.transpose(graph.constant({ shape, data }), [1, 0])]);
  const read = graph.add(times(x, inner, [units, length]), graph.constant({ shape: [units], data: shift }));
  return times(graph.op('Relu', [read]), outer, [length, units]);
}
