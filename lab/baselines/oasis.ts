import { leadingEigenpairs } from '@simili/learning/numbers/linear-algebra';

/** Rows of a table of vectors: the positive should be more similar to the query than the negative. */
export type VectorTriplet = { readonly q: Float32Array; readonly p: Float32Array; readonly n: Float32Array };

export type OasisOptions = {
  readonly d: number;
  /** Draws the next triplet of unit vectors [d]. */
  readonly draw: () => VectorTriplet;
  readonly steps: number;
  /** C > 0: no update is larger. */
  readonly aggressiveness: number;
  /** W to go on from, [d, d]; default: the unit matrix. It is left as it is. */
  readonly from?: Float64Array;
};

/** S_W(q, p) = q^T W p, W [d, d] row-major. */
export function bilinear(w: Float64Array, q: Float32Array, p: Float32Array): number {
  const d = q.length;
  let sum = 0;
  for (let i = 0; i < d; i++) {
    if (q[i] === 0) continue;
    let row = 0;
    for (let j = 0, at = i * d; j < d; j++, at++) row += w[at]! * p[j]!;
    sum += q[i]! * row;
  }
  return sum;
}

/**
 * One passive-aggressive step in place (Chechik, Sharma, Shalit, Bengio 2010, equations 5 to 8): with the loss
 * l = max(0, 1 - S(q, p) + S(q, n)) and V = q (p - n)^T, W <- W + tau V, tau = min(C, l / |V|^2).
 * @returns l before the step
 */
export function oasisUpdate(w: Float64Array, { q, p, n }: VectorTriplet, aggressiveness: number): number {
  const d = q.length;
  const difference = p.map((value, i) => value - n[i]!);
  const loss = Math.max(0, 1 - bilinear(w, q, difference));
  const size = squaredNorm(q) * squaredNorm(difference);
  if (loss === 0 || size === 0) return loss;
  const tau = Math.min(aggressiveness, loss / size);
  for (let i = 0, at = 0; i < d; i++) {
    const scale = tau * q[i]!;
    for (let j = 0; j < d; j++, at++) w[at] = w[at]! + scale * difference[j]!;
  }
  return loss;
}

/** @returns W [d, d] row-major */
export function fitOasis({ d, draw, steps, aggressiveness, from }: OasisOptions): Float64Array {
  const w = from?.slice() ?? new Float64Array(d * d);
  if (!from) for (let i = 0; i < d; i++) w[i * d + i] = 1;
  for (let step = 0; step < steps; step++) oasisUpdate(w, draw(), aggressiveness);
  return w;
}

/**
 * The metric that is nearest to a similarity: W made symmetric and positive semidefinite (negative eigenvalues become 0),
 * and split as L^T L, so that |L a - L b|^2 = (a - b)^T W (a - b).
 * @returns L [d, d] row-major, rows of eigenvectors times the roots of their eigenvalues
 */
export function metricEmbedding(w: Float64Array, d: number): Float32Array {
  const symmetric = w.map((value, at) => (value + w[(at % d) * d + Math.floor(at / d)]!) / 2);
  const rows = new Float32Array(d * d);
  for (const [row, { value, vector }] of leadingEigenpairs(symmetric, d, d).entries()) {
    const scale = Math.sqrt(Math.max(0, value));
    for (let j = 0; j < d; j++) rows[row * d + j] = scale * vector[j]!;
  }
  return rows;
}

/** Matrix [k, d] row-major times x [d]. */
export function project(matrix: Float32Array, x: Float32Array): Float32Array {
  const d = x.length;
  return Float32Array.from({ length: matrix.length / d }, (_, row) => {
    let sum = 0;
    for (let j = 0, at = row * d; j < d; j++, at++) sum += matrix[at]! * x[j]!;
    return sum;
  });
}

const squaredNorm = (x: Float32Array): number => x.reduce((sum, value) => sum + value * value, 0);
