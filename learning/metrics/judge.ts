import type { Triplet } from '../sampling/triplet-rules.ts';
import type { Clusters } from './intervals.ts';
import { type Grade, gradeOf, type Labels } from './labels.ts';
import { averagePrecision, ndcgAt, precisionAtOne, recallAt, tripletOutcome } from './metrics.ts';
import { oneOfGroup } from './one-of-group.ts';

/** Questions of a comparison, the same for every method. */
export type Questions = {
  readonly labels: Labels;
  /** [n] Group by number, -1 where a picture has none: of one a list shows one, and nothing of the query's own. Left out: lists show all. */
  readonly groups?: Int32Array;
  /** [g] Pictures that may be answers. */
  readonly gallery: Int32Array;
  /** [q] Pictures of the gallery that are looked up. */
  readonly queries: Int32Array;
  readonly triplets: readonly Triplet[];
  /** Grade from which on an answer is right (labels.ts). */
  readonly answer: Exclude<Grade, 0>;
  /** K of Score-at-top-K, recall@K, nDCG@K, coverage and hubness. */
  readonly k: number;
};

/** D of a query to all of the gallery, [g]. */
export type DistancesFrom = (query: number) => ArrayLike<number>;

export const metricNames = ['similarityPrecision', 'scoreAtK', 'p1', 'recallAtK', 'map', 'ndcgAtK'] as const;
export type MetricName = (typeof metricNames)[number];
export type ByMetric<T> = Readonly<Record<MetricName, T>>;
export const byMetric = <T>(of: (name: MetricName) => T): ByMetric<T> =>
  Object.fromEntries(metricNames.map((name) => [name, of(name)])) as Record<MetricName, T>;

/** The answers of one method, by query. */
export type Judged = {
  /**
   * [q] lists: the values of a query. similarityPrecision: outcomes of its triplets (ties 0.5); scoreAtK: +1 and -1 of those in S;
   * the others one value, or none where nothing is relevant to the query.
   */
  readonly values: ByMetric<Clusters>;
  readonly ties: number;
  /** |S|: triplets of which Score-at-top-K counts. */
  readonly selected: number;
  /** [g] How many of the top-K lists a picture is in. */
  readonly occurrences: Int32Array;
};

/**
 * Asks a method everything. Similarity precision and Score-at-top-K: paper, section 6.2; the latter ranks the pictures of
 * the query's category, and S is the triplets whose positive or negative is among the first K of it.
 */
export function judge(questions: Questions, distancesFrom: DistancesFrom): Judged {
  const { gallery, queries } = questions;
  const rowOf = new Map(Array.from(gallery, (picture, row) => [picture, row]));
  const triplets = byQuery(questions.triplets);
  const occurrences = new Int32Array(gallery.length);
  const asked = [...queries].map((query) => {
    const distances = distancesFrom(query);
    const own = triplets.get(query) ?? [];
    const outcomes = own.map(({ p, n }) => tripletOutcome(distances[rowOf.get(p)!]!, distances[rowOf.get(n)!]!));
    return {
      ...rankingOf(questions, query, distances, occurrences),
      similarityPrecision: outcomes,
      scoreAtK: scores(questions, query, distances, own, outcomes, rowOf),
    };
  });
  const values = byMetric((metric) => asked.map((answers) => answers[metric]));
  const count = (lists: Clusters, is: (value: number) => boolean): number =>
    lists.reduce((sum, list) => sum + list.filter(is).length, 0);
  return {
    values,
    ties: count(values.similarityPrecision, (outcome) => outcome === 0.5),
    selected: count(values.scoreAtK, () => true),
    occurrences,
  };
}

function rankingOf(questions: Questions, query: number, distances: ArrayLike<number>, occurrences: Int32Array) {
  const { labels, gallery, answer, k } = questions;
  const ranking = shown(questions, query, distances, () => true);
  for (const row of ranking.slice(0, k)) occurrences[row] = occurrences[row]! + 1;
  const grades = ranking.map((row) => gradeOf(labels, query, gallery[row]!));
  const relevant = new Set(ranking.filter((_row, rank) => grades[rank]! >= answer));
  const whereRelevant = (value: () => number): number[] => (relevant.size > 0 ? [value()] : []);
  return {
    p1: whereRelevant(() => precisionAtOne(ranking, relevant)),
    map: whereRelevant(() => averagePrecision(ranking, relevant)),
    recallAtK: whereRelevant(() => recallAt(ranking, relevant, k)),
    ndcgAtK: grades.some((grade) => grade > 0) ? [ndcgAt(grades, k)] : [],
  };
}

/** Rows of the gallery that are wanted, as a list of the query has them, nearest first. */
function shown(
  { gallery, groups }: Questions,
  query: number,
  distances: ArrayLike<number>,
  isWanted: (picture: number) => boolean,
): number[] {
  const rows = [...gallery.keys()].filter((row) => gallery[row] !== query && isWanted(gallery[row]!));
  const ranking = rows.sort((a, b) => distances[a]! - distances[b]!);
  return groups ? oneOfGroup(ranking, (row) => groups[gallery[row]!]!, groups[query]!) : ranking;
}

/** +1 for a triplet in S that is in the right order, -1 for one that is not, 0 for a tie; none for those outside S. */
function scores(
  questions: Questions,
  query: number,
  distances: ArrayLike<number>,
  triplets: readonly Triplet[],
  outcomes: readonly number[],
  rowOf: ReadonlyMap<number, number>,
): number[] {
  const { k } = questions;
  const { categories } = questions.labels;
  const category = categories[query]!;
  const pool = shown(questions, query, distances, (picture) => category < 0 || categories[picture] === category);
  // Nearer than the K-th of the pool, or as near: then fewer than K of the pool come before it.
  const bound = k > pool.length ? Number.POSITIVE_INFINITY : distances[pool[k - 1]!]!;
  const isFirst = (picture: number): boolean => distances[rowOf.get(picture)!]! <= bound;
  return triplets.flatMap(({ p, n }, t) => (isFirst(p) || isFirst(n) ? [2 * outcomes[t]! - 1] : []));
}

/**
 * Outcomes of triplets under a distance, those of one query together.
 * @returns [queries that have a triplet] lists, in the order of their first triplets
 */
export const outcomesByQuery = (triplets: readonly Triplet[], distance: (a: number, b: number) => number): Clusters =>
  [...byQuery(triplets).values()].map((own) =>
    own.map(({ q, p, n }) => tripletOutcome(distance(q, p), distance(q, n))),
  );

function byQuery(triplets: readonly Triplet[]): Map<number, Triplet[]> {
  const out = new Map<number, Triplet[]>();
  for (const triplet of triplets) {
    const own = out.get(triplet.q);
    if (own) own.push(triplet);
    else out.set(triplet.q, [triplet]);
  }
  return out;
}
