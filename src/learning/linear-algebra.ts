import { CholeskyDecomposition, EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { makeRandom } from './random.ts';

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

/**
 * The same for few of many directions, with their eigenvalues: subspace iteration (Halko, Martinsson and Tropp 2011) from a
 * fixed start on the smaller of Y^T Y and Y Y^T. In a fraction of the time; directions of nearly one value may be mixed.
 */
export function mainDirections(rows: Float64Array, d: number, k: number): Eigenpair[] {
  const n = rows.length / d;
  const isWide = n < d;
  const pairs = mainEigenpairs(isWide ? scatter(transposed(rows, n, d), n) : scatter(rows, d), Math.min(n, d), k);
  const known = pairs.filter(({ value }) => value > pairs[0]!.value * NEGLIGIBLE ** 2);
  if (!isWide) return known;
  return known.map(({ value, vector: u }) => {
    const v = new Float64Array(d);
    for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) v[j] = v[j]! + u[i]! * rows[i * d + j]!;
    return { value, vector: v.map((x) => x / Math.sqrt(value)) };
  });
}

const OVERSAMPLED = 16;
const ROUNDS = 5;

/** Of a symmetric, positive semidefinite [d, d] about those with the `k` largest eigenvalues. */
function mainEigenpairs(symmetric: Float64Array, d: number, k: number): Eigenpair[] {
  const width = Math.min(k + OVERSAMPLED, d);
  const random = makeRandom(1);
  let basis: Float64Array = Float64Array.from({ length: d * width }, () => random.gaussian());
  for (let round = 0; round < ROUNDS; round++) {
    orthonormalise(basis, width);
    basis = times(symmetric, basis, d, width);
  }
  orthonormalise(basis, width);
  const image = times(symmetric, basis, d, width);
  const inner = new Float64Array(width * width);
  for (let i = 0; i < d; i++)
    for (let a = 0; a < width; a++)
      for (let b = 0; b < width; b++)
        inner[a * width + b] = inner[a * width + b]! + basis[i * width + a]! * image[i * width + b]!;
  return leadingEigenpairs(inner, width, Math.min(k, width)).map(({ value, vector }) => {
    const out = new Float64Array(d);
    for (let i = 0; i < d; i++) for (let j = 0; j < width; j++) out[i] = out[i]! + basis[i * width + j]! * vector[j]!;
    return { value, vector: out };
  });
}

/**
 * Unit vectors at right angles to each other and to those given, which are so themselves: the given ones, then others in
 * directions that follow from a fixed seed, until there are `k`.
 */
export function completed(vectors: readonly Float64Array[], d: number, k: number): Float64Array[] {
  const random = makeRandom(1);
  const basis = Float64Array.from({ length: d * k }, (_, at) => {
    const own = vectors[at % k];
    return own ? own[Math.floor(at / k)]! : random.gaussian();
  });
  orthonormalise(basis, k);
  return Array.from({ length: k }, (_, c) => Float64Array.from({ length: d }, (_v, i) => basis[i * k + c]!));
}

/** [d, d] [d, k] -> [d, k], two rows of the right side at a time, so that the result is read half as often. */
function times(left: Float64Array, right: Float64Array, d: number, k: number): Float64Array {
  const out = new Float64Array(d * k);
  for (let i = 0; i < d; i++) {
    const own = out.subarray(i * k, (i + 1) * k);
    for (let j = 0; j + 1 < d; j += 2) {
      const [a, b] = [left[i * d + j]!, left[i * d + j + 1]!];
      for (let c = 0, at = j * k; c < k; c++, at++) own[c] = own[c]! + a * right[at]! + b * right[at + k]!;
    }
    if (d % 2 === 1)
      for (let c = 0, at = (d - 1) * k; c < k; c++, at++) own[c] = own[c]! + left[i * d + d - 1]! * right[at]!;
  }
  return out;
}

/** Columns of [d, k] made orthonormal in place, twice, which is enough (Giraud et al. 2005); by way of its own Cholesky factor. */
function orthonormalise(basis: Float64Array, k: number): void {
  for (let pass = 0; pass < 2; pass++) {
    const lower = cholesky(withRidge(scatter(basis, k), k), k);
    basis.set(solveLower(lower, basis, k));
  }
}

/** Keeps a column that is rounding beside the others from ending the factorisation. */
function withRidge(gram: Float64Array, k: number): Float64Array {
  let trace = 0;
  for (let i = 0; i < k; i++) trace += gram[i * k + i]!;
  for (let i = 0; i < k; i++) gram[i * k + i] = gram[i * k + i]! + trace * 1e-14 + Number.MIN_VALUE;
  return gram;
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
