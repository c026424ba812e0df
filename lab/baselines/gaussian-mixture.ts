import type { Random } from '@simili/learning/numbers/random';
import { kMeans, nearestCentre } from './k-means.ts';

/** A mixture of Gaussians with diagonal covariances. */
export type Mixture = {
  readonly d: number;
  /** [k], sum 1; 0 for a component that no row belongs to. */
  readonly weights: Float64Array;
  /** [k, d] row-major. */
  readonly means: Float64Array;
  /** [k, d] row-major, > 0. */
  readonly variances: Float64Array;
};

/** No variance falls below this share of the mean variance of the rows. */
const FLOOR = 1e-2;

/**
 * Expectation maximisation from the clusters of k-means. The likelihood of the rows never falls: a variance at its floor
 * is still the likeliest of those allowed.
 * @param rows [n, d] row-major, n >= 1
 * @param options.iterations most rounds; 0: the clusters alone
 * @throws Error when the sizes do not agree
 */
export function fitMixture(
  rows: Float32Array,
  d: number,
  k: number,
  random: Random,
  options: { iterations?: number } = {},
): Mixture {
  const centres = kMeans(rows, d, k, random, { iterations: 10 });
  const n = rows.length / d;
  const floor = varianceFloor(rows, d);
  const start: Mixture = {
    d,
    weights: new Float64Array(k),
    means: Float64Array.from(centres),
    variances: new Float64Array(k * d).fill(floor),
  };
  const clusters = gather(start, rows, (row, shares) => {
    shares.fill(0)[nearestCentre(row, centres, d)] = 1;
    return 0;
  });
  let mixture = maximise(start, clusters, n, floor);
  let before = Number.NEGATIVE_INFINITY;
  for (let round = options.iterations ?? 30; round > 0; round--) {
    const sums = gather(mixture, rows, makePosterior(mixture));
    // In nats per row: less than this makes no difference to what is read from it.
    if (sums.logLikelihood - before < 1e-4 * n) break;
    before = sums.logLikelihood;
    mixture = maximise(mixture, sums, n, floor);
  }
  return mixture;
}

/**
 * Which component a row comes from.
 * @returns a function of a row [d] that fills `shares` [k] with the posterior probabilities of the components, sum 1, and
 * returns the natural logarithm of the density at the row
 */
export function makePosterior({ d, weights, means, variances }: Mixture) {
  const precisions = variances.map((variance) => 1 / variance);
  const constants = weights.map((weight, component) => {
    let sum = Math.log(weight) - (d / 2) * Math.log(2 * Math.PI);
    for (let i = 0; i < d; i++) sum -= Math.log(variances[component * d + i]!) / 2;
    return sum;
  });
  return (row: Float32Array, shares: Float64Array): number => {
    let most = Number.NEGATIVE_INFINITY;
    for (let component = 0, at = 0; component < constants.length; component++) {
      let sum = 0;
      for (let i = 0; i < d; i++, at++) {
        const difference = row[i]! - means[at]!;
        sum += difference * difference * precisions[at]!;
      }
      shares[component] = constants[component]! - sum / 2;
      most = Math.max(most, shares[component]!);
    }
    // Relative to the likeliest, so that not all of them underflow.
    let total = 0;
    for (let component = 0; component < constants.length; component++) {
      shares[component] = Math.exp(shares[component]! - most);
      total += shares[component]!;
    }
    for (let component = 0; component < constants.length; component++) shares[component] = shares[component]! / total;
    return most + Math.log(total);
  };
}

/** Sums over rows weighted by their shares: [k], and [k, d] of the differences to the means and of their squares. */
type Sums = { counts: Float64Array; firsts: Float64Array; seconds: Float64Array; logLikelihood: number };

/** The sums that the next mixture is made of (expectation); differences to the present means keep their digits. */
export function gather(
  { d, means }: Mixture,
  rows: Float32Array,
  share: (row: Float32Array, shares: Float64Array) => number,
): Sums {
  const k = means.length / d;
  const [firsts, seconds] = [new Float64Array(k * d), new Float64Array(k * d)];
  const [counts, shares] = [new Float64Array(k), new Float64Array(k)];
  let logLikelihood = 0;
  for (let from = 0; from < rows.length; from += d) {
    logLikelihood += share(rows.subarray(from, from + d), shares);
    for (let component = 0; component < k; component++) {
      const weight = shares[component]!;
      if (weight === 0) continue;
      counts[component] = counts[component]! + weight;
      for (let i = 0, at = component * d; i < d; i++, at++) {
        const difference = rows[from + i]! - means[at]!;
        firsts[at] = firsts[at]! + weight * difference;
        seconds[at] = seconds[at]! + weight * difference * difference;
      }
    }
  }
  return { counts, firsts, seconds, logLikelihood };
}

/** The likeliest mixture for the shares of n rows. A component without rows stays where it is, with weight 0. */
function maximise({ d, means, variances }: Mixture, { counts, firsts, seconds }: Sums, n: number, floor: number) {
  const shift = (at: number): number => firsts[at]! / counts[Math.trunc(at / d)]!;
  const used = (at: number): boolean => counts[Math.trunc(at / d)]! > 0;
  return {
    d,
    weights: counts.map((count) => count / n),
    means: means.map((mean, at) => (used(at) ? mean + shift(at) : mean)),
    variances: variances.map((variance, at) =>
      used(at) ? Math.max(floor, seconds[at]! / counts[Math.trunc(at / d)]! - shift(at) ** 2) : variance,
    ),
  };
}

function varianceFloor(rows: Float32Array, d: number): number {
  const n = rows.length / d;
  const mean = new Float64Array(d);
  rows.forEach((value, at) => {
    mean[at % d] = mean[at % d]! + value / n;
  });
  const sum = rows.reduce((total, value, at) => total + (value - mean[at % d]!) ** 2, 0);
  // Where all rows are equal any width will do.
  return Math.max(1e-9, (FLOOR * sum) / rows.length);
}
