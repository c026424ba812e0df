import { leadingEigenpairs } from '@simili/learning/numbers/linear-algebra';

/** Kernel PCA through landmarks. */
export type KernelPca = {
  /** Length of an embedding: at most what was asked for, and no more than the kernel has directions. */
  readonly length: number;
  /** @param row [m] kernel of something with every landmark. @returns [length] */
  readonly embed: (row: ArrayLike<number>) => Float32Array;
};

/** An eigenvalue beside the largest that is rounding, or noise of a kernel that was estimated. */
const NEGLIGIBLE = 1e-6;

/**
 * Kernel principal components (Schoelkopf, Smola, Mueller 1998) of m landmarks, extended to anything else by their kernel
 * with these (Nystroem): z(x) = L^(-1/2) U^T k_c(x), k_c centred, U and L eigenvectors and -values of the centred kernel
 * matrix. Of landmarks themselves inner products of embeddings are the centred kernel, as far as the kept directions go.
 * @param kernel [m, m] row-major, symmetric
 */
export function fitKernelPca(kernel: Float64Array, m: number, most: number): KernelPca {
  const means = Float64Array.from({ length: m }, (_, i) => mean(kernel.subarray(i * m, (i + 1) * m)));
  const total = mean(means);
  const centred = kernel.map((value, at) => value - means[Math.floor(at / m)]! - means[at % m]! + total);
  const pairs = leadingEigenpairs(centred, m, most);
  const kept = pairs.filter(({ value }) => value > pairs[0]!.value * NEGLIGIBLE && value > 0);
  const axes = kept.map(({ value, vector }) => vector.map((entry) => entry / Math.sqrt(value)));
  return {
    length: axes.length,
    embed(row) {
      const own = mean(row);
      const k = Float64Array.from({ length: m }, (_, i) => row[i]! - own - means[i]! + total);
      return Float32Array.from(axes, (axis) => axis.reduce((sum, value, i) => sum + value * k[i]!, 0));
    },
  };
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}
