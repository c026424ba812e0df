import { scaleToUnit } from '../features/unit.ts';
import type { ServedModel } from '../models/served-model.ts';

/**
 * One served vector for each product of the vectors of its pictures: in each block the mean of theirs, scaled to the block's share
 * again; docs/adr/0010 says why. A block that sees nothing in any picture stays 0.
 * @param vectors [pictures, d], product by product
 * @param counts pictures of each product, 1 or more
 * @returns [products, d], unit length
 */
export function meanVectors(
  { blocks }: Pick<ServedModel, 'blocks'>,
  vectors: Float32Array,
  counts: readonly number[],
): Float32Array {
  const d = vectors.length / counts.reduce((sum, count) => sum + count, 0);
  const out = new Float32Array(counts.length * d);
  for (let product = 0, picture = 0; product < counts.length; picture += counts[product]!, product++) {
    const own = out.subarray(product * d, (product + 1) * d);
    for (let row = picture; row < picture + counts[product]!; row++)
      for (let i = 0; i < d; i++) own[i] = own[i]! + vectors[row * d + i]!;
    if (counts[product] === 1) continue;
    let at = 0;
    for (const { weight, mean, projection } of blocks) {
      const part = own.subarray(at, at + projection.length / mean.length);
      scaleToUnit(part);
      for (let i = 0; i < part.length; i++) part[i] = part[i]! * Math.sqrt(weight);
      at += part.length;
    }
    scaleToUnit(own);
  }
  return out;
}
