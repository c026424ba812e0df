import type { Random } from './random.ts';

/** 1 when the positive is nearer than the negative, 0 when it is farther, 0.5 when tied (the paper does not say). */
export function tripletOutcome(positive: number, negative: number): number {
  if (positive === negative) return 0.5;
  return positive < negative ? 1 : 0;
}

/**
 * Share of triplets in the right order ("similarity precision", paper, section 6.2); a tie counts half.
 * @param positives [T] D(q, p)
 * @param negatives [T] D(q, n)
 * @returns precision in [0, 1], NaN without triplets, and the number of ties
 */
export function similarityPrecision(positives: ArrayLike<number>, negatives: ArrayLike<number>) {
  if (positives.length !== negatives.length) throw new Error('Every triplet needs two distances');
  let sum = 0;
  let ties = 0;
  for (let t = 0; t < positives.length; t++) {
    sum += tripletOutcome(positives[t]!, negatives[t]!);
    if (positives[t] === negatives[t]) ties++;
  }
  return { precision: sum / positives.length, ties };
}

/** Share of the relevant items among the first k of a ranking, in [0, 1]; NaN when nothing is relevant. */
export function recallAt<T>(ranking: readonly T[], relevant: ReadonlySet<T>, k: number): number {
  return ranking.slice(0, k).filter((item) => relevant.has(item)).length / relevant.size;
}

/** 1 when the first item of a ranking is relevant, else 0. */
export function precisionAtOne<T>(ranking: readonly T[], relevant: ReadonlySet<T>): number {
  return ranking.length > 0 && relevant.has(ranking[0]!) ? 1 : 0;
}

/**
 * Mean over the relevant items of the precision at their rank, in [0, 1]; those that are not ranked count 0. NaN when
 * nothing is relevant. Its mean over queries is mAP.
 */
export function averagePrecision<T>(ranking: readonly T[], relevant: ReadonlySet<T>): number {
  let found = 0;
  let sum = 0;
  ranking.forEach((item, i) => {
    if (!relevant.has(item)) return;
    found++;
    sum += found / (i + 1);
  });
  return sum / relevant.size;
}

/**
 * Normalised discounted cumulative gain of the first k (Jarvelin and Kekalainen 2002): gain / log2(rank + 1), divided by
 * the same of the best order, in [0, 1]; NaN when no gain is positive.
 * @param gains graded relevance >= 0 of the ranked items, in the order of the ranking
 * @param available gains of all items that could have been ranked; default: those that were
 */
export function ndcgAt(gains: readonly number[], k: number, available: readonly number[] = gains): number {
  return (
    discounted(gains, k) /
    discounted(
      [...available].sort((a, b) => b - a),
      k,
    )
  );
}

const discounted = (gains: readonly number[], k: number): number =>
  gains.slice(0, k).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0);

/** A mean with the interval that holds it in `level` of the resamples. */
export type Interval = { readonly mean: number; readonly low: number; readonly high: number };
/** Values that belong together, e.g. all triplets of one query: they are resampled together. */
export type Clusters = readonly (readonly number[])[];
type BootstrapOptions = { /** Default 1000. */ readonly draws?: number /** Default 0.95. */; readonly level?: number };

/**
 * Percentile bootstrap of the mean of all values, over clusters (Efron and Tibshirani 1993). It covers the choice of
 * clusters only. NaN without values.
 */
export function bootstrapInterval(clusters: Clusters, random: Random, options: BootstrapOptions = {}): Interval {
  const { draws = 1000, level = 0.95 } = options;
  const sums = clusters.map((values) => values.reduce((sum, value) => sum + value, 0));
  const sizes = clusters.map((values) => values.length);
  const mean = total(sums) / total(sizes);
  const means = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw++) {
    let sum = 0;
    let size = 0;
    for (let i = 0; i < clusters.length; i++) {
      const chosen = random.int(clusters.length);
      sum += sums[chosen]!;
      size += sizes[chosen]!;
    }
    means[draw] = sum / size;
  }
  means.sort();
  const tail = Math.floor(((1 - level) / 2) * draws + 1e-9);
  return { mean, low: means[tail]!, high: means[draws - 1 - tail]! };
}

/**
 * Interval of mean(a) - mean(b) of two systems on the same values: above 0, a is better.
 * @throws Error when the two do not have the same clusters
 */
export function pairedDifference(a: Clusters, b: Clusters, random: Random, options: BootstrapOptions = {}): Interval {
  checkPaired(a, b);
  return bootstrapInterval(
    a.map((values, i) => values.map((value, j) => value - b[i]![j]!)),
    random,
    options,
  );
}

/**
 * Two-sided p-value of "the two systems are the same": how often the total difference is at least as large when every
 * cluster's sign is thrown at random (Fisher's randomisation test; the observed one counts, so never below 1 / draws).
 * @throws Error when the two do not have the same clusters
 */
export function pairedPValue(a: Clusters, b: Clusters, random: Random, draws = 2000): number {
  checkPaired(a, b);
  const differences = a.map((values, i) => total(values) - total(b[i]!)).filter((difference) => difference !== 0);
  // A little slack: the same sum in another order of its terms is the same sum.
  const observed = Math.abs(total(differences)) * (1 - 1e-12);
  let extreme = 1;
  for (let draw = 1; draw < draws; draw++) {
    const sum = differences.reduce((acc, difference) => acc + (random.next() < 0.5 ? difference : -difference), 0);
    if (Math.abs(sum) >= observed) extreme++;
  }
  return extreme / draws;
}

function checkPaired(a: Clusters, b: Clusters): void {
  const fits = a.length === b.length && a.every((values, i) => values.length === b[i]!.length);
  if (!fits) throw new Error('The two systems were not measured on the same values');
}

/** What every value is in the mean over runs of the same clusters. */
export const meanOver = (runs: readonly Clusters[]): Clusters =>
  runs[0]!.map((values, c) => values.map((_value, i) => runs.reduce((sum, run) => sum + run[c]![i]!, 0) / runs.length));

/** Mean of all values. */
export function meanOf(clusters: Clusters): number {
  const values = clusters.flat();
  return total(values) / values.length;
}

/** Sample standard deviation; NaN with one value. */
export function deviation(values: readonly number[]): number {
  const mean = total(values) / values.length;
  return Math.sqrt(total(values.map((value) => (value - mean) ** 2)) / (values.length - 1));
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
