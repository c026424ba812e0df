import type { EmbeddingSpace } from '../../ports/space.ts';

/** Squared distance of two vectors, 0 to 4, as `squaredSql` has it in the database: bits come as 0 and 1, cosine of whatever length. */
export function squaredDistance(
  { distance, dimensions }: Pick<EmbeddingSpace, 'distance' | 'dimensions'>,
  a: Float32Array,
  b: Float32Array,
): number {
  if (distance === 'hamming') return (4 * squared(a, b)) / dimensions;
  if (distance === 'euclidean') return squared(a, b);
  return 2 - (2 * dot(a, b)) / Math.sqrt(dot(a, a) * dot(b, b));
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function squared(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}
