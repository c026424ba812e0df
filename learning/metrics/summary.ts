import { makeRandom } from '../numbers/random.ts';
import {
  bootstrapInterval,
  type Clusters,
  deviation,
  type Interval,
  meanOf,
  pairedDifference,
  pairedPValue,
  type Runs,
  total,
} from './intervals.ts';
import { type ByMetric, byMetric, type Judged, type MetricName } from './judge.ts';

/** Every interval of a report resamples with the same draws. */
const SEED = 3;

/** `sd`: of the values of single seeds; null with one. */
export type Metric = Interval & { readonly sd: number | null };

/** One method, over its seeds. */
export type Summary = {
  readonly metrics: ByMetric<Metric>;
  /** Means over seeds. `scoreShare`: Score-at-top-K / |S|. `coverage`, `hubness`: see below. */
  readonly ties: number;
  readonly selected: number;
  readonly scoreShare: number;
  readonly coverage: number;
  readonly hubness: number;
};

/**
 * Means over seeds and queries, with intervals that cover the choice of queries (all values of a query together) and,
 * where there are several, of seeds (intervals.ts). Score-at-top-K is a sum over all triplets (paper, section 6.2), so its
 * interval is one of a sum.
 * @param runs one per seed, of the same questions
 */
export function summarise(runs: readonly Judged[]): Summary {
  const mean = (value: (run: Judged) => number): number => meanOf(runs.map(value));
  return {
    metrics: byMetric((name) => metricOf(runs, name)),
    ties: mean(({ ties }) => ties),
    selected: mean(({ selected }) => selected),
    scoreShare: mean(({ values, selected }) => total(values.scoreAtK.flat()) / selected),
    coverage: mean(({ occurrences }) => coverage(occurrences)),
    hubness: mean(({ occurrences }) => hubness(occurrences)),
  };
}

function metricOf(judged: readonly Judged[], name: MetricName): Metric {
  const runs = runsOf(judged, name);
  const sd = judged.length > 1 ? deviation(runs.map((run) => meanOf(run.flat()))) : null;
  return scaled({ ...bootstrapInterval(runs, makeRandom(SEED)), sd }, scaleOf(judged, name));
}

/** Score-at-top-K as one sum a query, for its S differs from seed to seed; without a single triplet there is none, where a sum would be 0. */
const runsOf = (judged: readonly Judged[], name: MetricName): Runs =>
  judged.map(
    ({ values }): Clusters =>
      name === 'scoreAtK' && values.similarityPrecision.some(({ length }) => length > 0)
        ? values[name].map((list) => [total(list)])
        : values[name],
  );

/** From a mean over queries to what is reported: Score-at-top-K is their sum. */
const scaleOf = (judged: readonly Judged[], name: MetricName): number =>
  name === 'scoreAtK' ? judged[0]!.values[name].length : 1;

const scaled = <T extends Record<string, number | null>>(metric: T, scale: number): T =>
  Object.fromEntries(Object.entries(metric).map(([key, value]) => [key, value === null ? null : value * scale])) as T;

export type Comparison = {
  readonly metric: MetricName;
  /** Mean of the first minus mean of the second, paired by query; its interval covers seeds too. */
  readonly difference: Interval;
  /** Probability under the hypothesis that there is none, two-sided (sign-flip permutation by query): about these trainings. */
  readonly p: number;
};

/** @param a, b one run per seed each; of the same questions */
export function compare(a: readonly Judged[], b: readonly Judged[], metric: MetricName): Comparison {
  const [own, other] = [runsOf(a, metric), runsOf(b, metric)];
  const difference = scaled(pairedDifference(own, other, makeRandom(SEED)), scaleOf(a, metric));
  return { metric, difference, p: pairedPValue(own, other, makeRandom(SEED)) };
}

/** Only the queries for which `keep` holds, e.g. those of one category. The gallery stays. */
export const slice = ({ values, ...run }: Judged, keep: (query: number) => boolean): Judged => ({
  ...run,
  values: byMetric((name) => values[name].filter((_list, query) => keep(query))),
});

/** Share of the gallery that is in somebody's top-K list, in [0, 1]. */
const coverage = (occurrences: Int32Array): number =>
  occurrences.filter((count) => count > 0).length / occurrences.length;

/**
 * Skewness of the k-occurrences N_k (Radovanovic, Nanopoulos and Ivanovic 2010): 0 when they are even, large when a few
 * hubs are in everybody's list.
 */
function hubness(occurrences: Int32Array): number {
  const values = [...occurrences];
  const mean = meanOf(values);
  const moment = (power: number): number => meanOf(values.map((value) => (value - mean) ** power));
  const variance = moment(2);
  return variance > 0 ? moment(3) / variance ** 1.5 : 0;
}
