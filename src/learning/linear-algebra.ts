import { CholeskyDecomposition, EigenvalueDecomposition, Matrix } from 'ml-matrix';

/**
 * Sum of x x^T over the rows x of [n, d], row-major; [d, d].
 * Four rows at a time: the result is then read and written a quarter as often, which is what takes the time.
 */
export function scatter(rows: Float64Array, d: number): Float64Array {
  const sums = new Float64Array(d * d);
  // Rows of zeros fill the last four.
  const padded = new Float64Array(Math.ceil(rows.length / (4 * d)) * 4 * d);
  padded.set(rows);
  for (let from = 0; from < padded.length; from += 4 * d) {
    const x = [0, 1, 2, 3].map((row) => padded.subarray(from + row * d, from + (row + 1) * d));
    const [x0, x1, x2, x3] = x as [Float64Array, Float64Array, Float64Array, Float64Array];
    for (let a = 0; a < d; a++) {
      const [a0, a1, a2, a3] = [x0[a]!, x1[a]!, x2[a]!, x3[a]!];
      for (let b = 0, at = a * d; b <= a; b++, at++) {
        sums[at] = sums[at]! + a0 * x0[b]! + a1 * x1[b]! + a2 * x2[b]! + a3 * x3[b]!;
      }
    }
  }
  for (let a = 0; a < d; a++) for (let b = 0; b < a; b++) sums[b * d + a] = sums[a * d + b]!;
  return sums;
}

/** L of symmetric, positive definite [d, d] = L L^T; entries above the diagonal are 0. @throws Error otherwise. */
export function cholesky(symmetric: Float64Array, d: number): Float64Array {
  const decomposition = new CholeskyDecomposition(toMatrix(symmetric, d));
  if (!decomposition.isPositiveDefinite()) throw new Error('The matrix is not positive definite');
  return Float64Array.from(decomposition.lowerTriangularMatrix.to1DArray());
}

/** Rows L^-1 x of rows x, with L lower triangular [d, d] and rows [n, d]. */
export function solveLower(lower: Float64Array, rows: Float64Array, d: number): Float64Array {
  const solved = rows.slice();
  for (let from = 0; from < solved.length; from += d) {
    for (let i = 0, at = 0; i < d; i++, at = i * d) {
      let value = solved[from + i]!;
      for (let k = 0; k < i; k++, at++) value -= lower[at]! * solved[from + k]!;
      solved[from + i] = value / lower[at]!;
    }
  }
  return solved;
}

/** x of L^T x = u, with L lower triangular [d, d]. */
export function solveLowerTransposed(lower: Float64Array, u: Float64Array): Float64Array {
  const d = u.length;
  const x = u.slice();
  for (let i = d - 1; i >= 0; i--) {
    const value = x[i]! / lower[i * d + i]!;
    x[i] = value;
    for (let j = 0, at = i * d; j < i; j++, at++) x[j] = x[j]! - lower[at]! * value;
  }
  return x;
}

export type Eigenpair = { readonly value: number /** [d], unit length. */; readonly vector: Float64Array };

/** Of a symmetric [d, d] those `k` with the largest eigenvalues, by falling eigenvalue. */
export function leadingEigenpairs(symmetric: Float64Array, d: number, k: number): Eigenpair[] {
  const decomposition = new EigenvalueDecomposition(toMatrix(symmetric, d), { assumeSymmetric: true });
  const values = decomposition.realEigenvalues;
  const order = values.map((_, i) => i).sort((i, j) => values[j]! - values[i]!);
  return order.slice(0, k).map((column) => ({
    value: values[column]!,
    vector: Float64Array.from(decomposition.eigenvectorMatrix.getColumn(column)),
  }));
}

/** Their vectors alone. */
export const leadingEigenvectors = (symmetric: Float64Array, d: number, k: number): Float64Array[] =>
  leadingEigenpairs(symmetric, d, k).map(({ vector }) => vector);

/**
 * The unit eigenvectors of Y^T Y with the largest eigenvalues, Y [n, d] row-major, by falling eigenvalue: at most `k`, and
 * no more than Y has rank, but one. By way of Y Y^T, which is the smaller one where n < d: v = Y^T u / |Y^T u|.
 */
export function leadingDirections(rows: Float64Array, d: number, k: number): Float64Array[] {
  const n = rows.length / d;
  if (n >= d) return leadingEigenvectors(scatter(rows, d), d, k);
  const images = leadingEigenvectors(scatter(transposed(rows, n, d), n), n, Math.min(k, n)).map((u) => {
    const v = new Float64Array(d);
    for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) v[j] = v[j]! + u[i]! * rows[i * d + j]!;
    return { v, length: Math.sqrt(v.reduce((sum, value) => sum + value * value, 0)) };
  });
  const longest = images[0]!.length;
  const known = images.filter(({ length }, i) => i === 0 || length > longest * NEGLIGIBLE);
  return known.map(({ v, length }) => v.map((value) => value / (length || 1)));
}

/** Of a singular value beside the largest: rounding. */
const NEGLIGIBLE = 1e-6;

/** [n, d] to [d, n]. */
function transposed(rows: Float64Array, n: number, d: number): Float64Array {
  const result = new Float64Array(n * d);
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) result[j * n + i] = rows[i * d + j]!;
  return result;
}

const toMatrix = (square: Float64Array, d: number): Matrix => Matrix.from1DArray(d, d, square);
