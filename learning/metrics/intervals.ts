import type { Random } from '../numbers/random.ts';

/** A mean with the interval that holds it in `level` of the resamples. */
export type Interval = { readonly mean: number; readonly low: number; readonly high: number };
/** Values that belong together, e.g. all triplets of one query: they are resampled together. */
export type Clusters = readonly (readonly number[])[];
/** One system's values, one run a seed, of the same clusters. */
export type Runs = readonly Clusters[];
type Options = {
  /** Default 1000. */
  readonly draws?: number;
  /** Default 0.95. */
  readonly level?: number;
};

/**
 * Interval of the mean of all values, over clusters and over runs: clusters by percentile bootstrap (Efron and Tibshirani
 * 1993), and where there are several runs with the error of their mean beside it, as Student's t with one degree of freedom
 * fewer than runs. A handful of runs cannot be resampled: three of them give ten different means. NaN without values.
 * @param runs one: the interval covers the choice of clusters only
 */
export function bootstrapInterval(runs: Runs, random: Random, options: Options = {}): Interval {
  return intervalOf([runs], random, options);
}

/**
 * Interval of mean(a) - mean(b) of two systems on the same values: above 0, a is better. Clusters are paired, runs are not:
 * the same seed in two systems means nothing, so each adds an error of its own (Behrens and Fisher's problem).
 * @throws Error when the two do not have the same clusters
 */
export function pairedDifference(a: Runs, b: Runs, random: Random, options: Options = {}): Interval {
  checkPaired(a, b);
  return intervalOf([a, b], random, options);
}

/** Interval of the first system, or of the first minus the second. */
function intervalOf(systems: readonly Runs[], random: Random, { draws = 1000, level = 0.95 }: Options): Interval {
  // A resample of clusters without values alone would have no mean: a query that nothing answers says nothing.
  const known = systems[0]![0]!.flatMap((values, c) => (values.length > 0 ? [{ size: values.length, c }] : []));
  const sizes = known.map(({ size }) => size);
  const sums = known.map(({ c }) => {
    const [own, other = 0] = systems.map((runs) => meanOf(runs.map((run) => total(run[c]!))));
    return own! - other;
  });
  const spreads = systems.filter((runs) => runs.length > 1).map(standardError);
  const mean = total(sums) / total(sizes);
  // Clusters first: those of a draw are then the same for systems of one run and of many.
  const overClusters = Array.from({ length: draws }, () => resampledMean(sums, sizes, random));
  const errorOfRuns = () => spreads.reduce((sum, { error, freedom }) => sum + error * studentT(freedom, random), 0);
  const means = Float64Array.from(overClusters, (value) => value + errorOfRuns()).sort();
  const tail = Math.floor(((1 - level) / 2) * draws + 1e-9);
  return { mean, low: means[tail]!, high: means[draws - 1 - tail]! };
}

/**
 * Standard error of the mean of all values, clusters being independent and what is in them not (linearised ratio, Cochran
 * 1977, section 9). How far n clusters lie apart is itself a guess where they are few: what is told is as wide as Student's t, whose
 * standard deviation with n - 1 degrees of freedom makes n / (n - 1) to n / (n - 3) under the root. Infinity up to three clusters:
 * one never differs from itself. NaN without values.
 */
export function clusteredError(clusters: Clusters): number {
  const all = clusters.flat();
  const n = clusters.length;
  if (n > 0 && n <= 3) return Number.POSITIVE_INFINITY;
  const mean = meanOf(all);
  const squares = clusters.map((values) => (total(values) - mean * values.length) ** 2);
  return Math.sqrt((n / (n - 3)) * total(squares)) / all.length;
}

function resampledMean(sums: readonly number[], sizes: readonly number[], random: Random): number {
  let sum = 0;
  let size = 0;
  for (let i = 0; i < sums.length; i++) {
    const chosen = random.int(sums.length);
    sum += sums[chosen]!;
    size += sizes[chosen]!;
  }
  return sum / size;
}

/** Standard error of the mean over runs. */
function standardError(runs: Runs): { error: number; freedom: number } {
  const means = runs.map((run) => meanOf(run.flat()));
  return { error: deviation(means) / Math.sqrt(runs.length), freedom: runs.length - 1 };
}

/** A draw of Student's t. */
function studentT(freedom: number, random: Random): number {
  const squares = Array.from({ length: freedom }, () => random.gaussian() ** 2);
  return random.gaussian() / Math.sqrt(meanOf(squares));
}

/**
 * Two-sided p-value of "the two systems are the same": how often the total difference is at least as large when every
 * cluster's sign is thrown at random (Fisher's randomisation test; the observed one counts, so never below 1 / draws). It
 * is about these runs: other seeds are for the interval.
 * @throws Error when the two do not have the same clusters
 */
export function pairedPValue(a: Runs, b: Runs, random: Random, draws = 2000): number {
  checkPaired(a, b);
  const sumOf = (runs: Runs, c: number): number => meanOf(runs.map((run) => total(run[c]!)));
  const differences = a[0]!.map((_values, c) => sumOf(a, c) - sumOf(b, c)).filter((difference) => difference !== 0);
  // A little slack: the same sum in another order of its terms is the same sum.
  const observed = Math.abs(total(differences)) * (1 - 1e-12);
  let extreme = 1;
  for (let draw = 1; draw < draws; draw++) {
    const sum = differences.reduce((acc, difference) => acc + (random.next() < 0.5 ? difference : -difference), 0);
    if (Math.abs(sum) >= observed) extreme++;
  }
  return extreme / draws;
}

function checkPaired(a: Runs, b: Runs): void {
  const sizes = (run: Clusters): string => run.map((values) => values.length).join();
  const fits = new Set([...a, ...b].map(sizes)).size === 1;
  if (!fits) throw new Error('The two systems were not measured on the same values');
}

/** NaN without values. */
export const meanOf = (values: readonly number[]): number => total(values) / values.length;

/** Sample standard deviation; NaN with one value. */
export function deviation(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(total(values.map((value) => (value - mean) ** 2)) / (values.length - 1));
}

export const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
