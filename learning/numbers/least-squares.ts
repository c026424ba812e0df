import { solveLowerTransposed, transposed } from './linear-algebra.ts';
import { cholesky, scatter, solveLower } from './matrix-loops.ts';

/**
 * M [k, m] that makes of the rows of `from` [m, d] the nearest to those of `to` [k, d] in least squares: M from ~ to. A
 * hundred-millionth of the scale of `from` keeps rows that depend on each other from dividing by nothing.
 *
 * By the normal equations: with F = from and T = to, M = T F^T (F F^T)^-1.
 */
export function leastSquaresMap(from: Float32Array, to: Float32Array, d: number): Float32Array {
  const [m, k] = [from.length / d, to.length / d];
  const rows = m + k;
  const all = new Float64Array(rows * d);
  all.set(from);
  all.set(to, from.length);
  const products = scatter(transposed(all, rows, d), rows); // F F^T, and T F^T below it
  const own = new Float64Array(m * m);
  for (let i = 0; i < m; i++) own.set(products.subarray(i * rows, i * rows + m), i * m);
  let trace = 0;
  for (let i = 0; i < m; i++) trace += own[i * m + i]!;
  for (let i = 0; i < m; i++) own[i * m + i] = own[i * m + i]! + (1e-8 * trace) / m;
  const across = new Float64Array(k * m);
  for (let i = 0; i < k; i++) across.set(products.subarray((m + i) * rows, (m + i) * rows + m), i * m);
  const lower = cholesky(own, m);
  const half = solveLower(lower, across, m);
  const map = new Float32Array(k * m);
  for (let i = 0; i < k; i++) map.set(solveLowerTransposed(lower, half.subarray(i * m, (i + 1) * m)), i * m);
  return map;
}
