import type { Random } from '@simili/learning/numbers/random';

export type Interval = { mean: number; low: number; high: number };

const DRAWS = 2000;

/**
 * Concordance: share of pairs that the list orders as the values do, higher values first; (1 + Kendall's tau) / 2.
 * Pairs of equal values are left out. 1 same order, 0 reversed, .5 chance.
 * @param values in the order of the list.
 * @returns null when no pair has two different values.
 */
export function concordance(values: readonly number[]): number | null {
  const sorted = Float64Array.from(values).sort();
  const pairs = pairsOf(values.length) - tiedPairs(sorted);
  return pairs === 0 ? null : fallingPairs(Float64Array.from(values)) / pairs;
}

const pairsOf = (n: number): number => (n * (n - 1)) / 2;

function tiedPairs(sorted: Float64Array): number {
  let tied = 0;
  for (let start = 0, end = 0; start < sorted.length; start = end) {
    while (end < sorted.length && sorted[end] === sorted[start]) end++;
    tied += pairsOf(end - start);
  }
  return tied;
}

/** Pairs i < j with values[i] > values[j], by merge sort: O(n log n). Sorts `values`. */
function fallingPairs(values: Float64Array): number {
  if (values.length < 2) return 0;
  const left = values.slice(0, values.length >> 1);
  const right = values.slice(values.length >> 1);
  let falling = fallingPairs(left) + fallingPairs(right);
  for (let i = 0, j = 0; i + j < values.length; ) {
    if (j === right.length || (i < left.length && left[i]! <= right[j]!)) {
      values[i + j] = left[i]!;
      falling += j; // all of `right` so far is smaller
      i++;
    } else {
      values[i + j] = right[j]!;
      j++;
    }
  }
  return falling;
}

/** Mean and 95 % percentile bootstrap interval (Efron 1979), drawing whole entries with replacement. */
export function bootstrapMean(values: readonly number[], random: Random): Interval {
  const meanOf = (pick: () => number) => values.reduce((sum) => sum + pick(), 0) / values.length;
  const means = Float64Array.from({ length: DRAWS }, () => meanOf(() => values[random.int(values.length)]!)).sort();
  let next = 0;
  return {
    mean: meanOf(() => values[next++]!),
    low: means[Math.floor(0.025 * DRAWS)]!,
    high: means[Math.ceil(0.975 * DRAWS) - 1]!,
  };
}
