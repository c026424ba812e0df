import { scaleToUnit } from '@simili/learning/features/unit';
import type { Weights } from '@simili/learning/network/spec';
import { timesVector } from '@simili/learning/numbers/matrix-loops';
import { joined } from '@simili/learning/whitening/join';
import { type HeadSpec, headWeights, hiddenOf, unitRows } from '../../engines/onnx/head/spec.ts';

/** The whole map of a block: E + offset, [D, m]. */
export function mapOf({ blocks }: HeadSpec, weights: Weights, b: number): Float32Array {
  const { dimensions, length } = blocks[b]!;
  const offset = weights[headWeights.offset(b)]!.data;
  return unitRows(dimensions, length).map((value, i) => value + offset[i]!);
}

/** z of all blocks -> the vector that is served. */
export function headVectors(spec: HeadSpec, weights: Weights): (z: Float32Array) => Float32Array {
  const maps = spec.blocks.map((_block, b) => mapOf(spec, weights, b));
  const shares = spec.blocks.map(({ weight }) => weight);
  const hidden = hiddenOf(spec, weights);
  return (z) => {
    let read = 0;
    const parts = spec.blocks.map(({ length }, b) => {
      const own = z.subarray(read, read + length);
      read += length;
      return scaleToUnit(timesVector(maps[b]!, new Float64Array(own)));
    });
    return joined(parts, shares, hidden);
  };
}
