import { leadingEigenvectors } from '@simili/learning/numbers/linear-algebra';
import { scatter } from '@simili/learning/numbers/matrix-loops';

/** y = directions (x - mean): `mean` [d], `directions` [k, d] row-major, orthonormal, by falling variance. */
export type PrincipalComponents = { readonly mean: Float32Array; readonly directions: Float32Array };

/**
 * The directions in which rows differ most.
 * @param rows [n, d] row-major, n >= 1
 * @param keep directions to keep, >= 1: k = min(keep, d)
 * @throws Error when the sizes do not agree
 */
export function fitPrincipalComponents(rows: Float32Array, d: number, keep: number): PrincipalComponents {
  const n = rows.length / d;
  if (!(Number.isInteger(n) && n >= 1)) throw new Error(`${rows.length} values are not rows of ${d}`);
  const mean = new Float64Array(d);
  rows.forEach((value, at) => {
    mean[at % d] = mean[at % d]! + value / n;
  });
  const centred = Float64Array.from(rows, (value, at) => value - mean[at % d]!);
  const k = Math.min(keep, d);
  const directions = new Float32Array(k * d);
  for (const [row, direction] of leadingEigenvectors(scatter(centred, d), d, k).entries()) {
    directions.set(direction, row * d);
  }
  return { mean: Float32Array.from(mean), directions };
}

/** @param rows [n, d] row-major @returns [n, k] row-major */
export function projectRows({ mean, directions }: PrincipalComponents, rows: Float32Array): Float32Array {
  const d = mean.length;
  const k = directions.length / d;
  const projected = new Float32Array((rows.length / d) * k);
  const centred = new Float32Array(d);
  for (let from = 0, to = 0; from < rows.length; from += d) {
    for (let i = 0; i < d; i++) centred[i] = rows[from + i]! - mean[i]!;
    for (let at = 0; at < directions.length; to++) {
      let sum = 0;
      for (let i = 0; i < d; i++, at++) sum += directions[at]! * centred[i]!;
      projected[to] = sum;
    }
  }
  return projected;
}
