import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { cholesky, scatter, solveLower, times } from './matrix-loops.ts';
import { makeRandom } from './random.ts';

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

export type Eigenpair = {
  readonly value: number;
  /** [d], unit length. */
  readonly vector: Float64Array;
};

/** Eigenpairs of a symmetric [d, d], the `k` with the largest eigenvalues, by falling eigenvalue. */
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

/** L^-1 A L^-T of symmetric A, with L lower triangular; all [d, d]. */
export function congruent(lower: Float64Array, symmetric: Float64Array, d: number): Float64Array {
  const half = solveLower(lower, symmetric, d);
  return solveLower(lower, transposed(half, d, d), d);
}

/**
 * The same for few of many directions, with their eigenvalues: subspace iteration (Halko, Martinsson and Tropp 2011) from a
 * fixed start on the smaller of Y^T Y and Y Y^T. In a fraction of the time; directions of nearly one value may be mixed.
 */
export function mainDirections(rows: Float64Array, d: number, k: number): Eigenpair[] {
  const n = rows.length / d;
  const isWide = n < d;
  const known = mainEigenpairs(isWide ? scatter(transposed(rows, n, d), n) : scatter(rows, d), Math.min(n, d), k);
  if (!isWide) return known;
  return known.map(({ value, vector: u }) => {
    const v = new Float64Array(d);
    for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) v[j] = v[j]! + u[i]! * rows[i * d + j]!;
    return { value, vector: v.map((x) => x / Math.sqrt(value)) };
  });
}

const OVERSAMPLED = 16;
const ROUNDS = 5;

/** Eigenpairs of a symmetric, positive semidefinite [d, d], about those with the `k` largest eigenvalues, none that is rounding. */
export function mainEigenpairs(symmetric: Float64Array, d: number, k: number): Eigenpair[] {
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
  const pairs = leadingEigenpairs(inner, width, Math.min(k, width));
  const known = pairs.filter(({ value }) => value > pairs[0]!.value * NEGLIGIBLE ** 2);
  return known.map(({ value, vector }) => {
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

/** A singular value that is this small beside the largest is rounding. */
const NEGLIGIBLE = 1e-6;

/** [n, d] to [d, n]. */
export function transposed(rows: Float64Array, n: number, d: number): Float64Array {
  const result = new Float64Array(n * d);
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) result[j * n + i] = rows[i * d + j]!;
  return result;
}

const toMatrix = (square: Float64Array, d: number): Matrix => Matrix.from1DArray(d, d, square);
