import { scaleToUnit } from '@simili/learning/features/unit';
import type { Weights } from '@simili/learning/network/spec';
import { type HeadSpec, headWeights, unitRows } from '../../engines/onnx/head.ts';

/** The whole map of a block: E + offset, [D, m]. */
export function mapOf({ blocks }: HeadSpec, weights: Weights, b: number): Float32Array {
  const { dimensions, length } = blocks[b]!;
  const offset = weights[headWeights.offset(b)]!.data;
  return unitRows(dimensions, length).map((value, i) => value + offset[i]!);
}

/** z of all blocks -> the vector that is served. */
export function headVectors(spec: HeadSpec, weights: Weights): (z: Float32Array) => Float32Array {
  const maps = spec.blocks.map((_block, b) => mapOf(spec, weights, b));
  const width = spec.blocks.reduce((sum, { dimensions }) => sum + dimensions, 0);
  return (z) => {
    const out = new Float32Array(width);
    let [read, written] = [0, 0];
    for (const [b, { length, dimensions, weight }] of spec.blocks.entries()) {
      const map = maps[b]!;
      const part = new Float32Array(dimensions);
      for (let row = 0, at = 0; row < dimensions; row++) {
        let sum = 0;
        for (let i = 0; i < length; i++, at++) sum += map[at]! * z[read + i]!;
        part[row] = sum;
      }
      const root = Math.sqrt(weight);
      out.set(
        scaleToUnit(part).map((value) => value * root),
        written,
      );
      read += length;
      written += dimensions;
    }
    return scaleToUnit(out);
  };
}
