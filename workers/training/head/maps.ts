import { scaleToUnit } from '@simili/learning/features/unit';
import type { Weights } from '@simili/learning/network/spec';
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
      return scaleToUnit(mapped(maps[b]!, own));
    });
    return joined(parts, shares, hidden);
  };
}

/** [D, m] [m] -> [D] */
function mapped(map: Float32Array, z: Float32Array): Float32Array {
  const out = new Float32Array(map.length / z.length);
  for (let row = 0, at = 0; row < out.length; row++) {
    let sum = 0;
    for (let i = 0; i < z.length; i++, at++) sum += map[at]! * z[i]!;
    out[row] = sum;
  }
  return out;
}
