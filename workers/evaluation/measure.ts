import { choicePrecision } from '@simili/learning/metrics/choice-precision';
import { bootstrapInterval, type Interval, pairedDifference } from '@simili/learning/metrics/intervals';
import { type ByMetric, byMetric, judge, outcomesByQuery } from '@simili/learning/metrics/judge';
import { type Metric, summarise } from '@simili/learning/metrics/summary';
import { squaredDistance } from '@simili/learning/numbers/distance';
import { makeRandom } from '@simili/learning/numbers/random';
import { type ChoiceSet, chosenPairs } from '@simili/learning/relevance/choice-sets';
import type { Triplet } from '@simili/learning/sampling/sampler';
import type { EvaluationSet } from './set.ts';

/** Similarity precision (paper, section 6.2): share of triplets in the right order, ties a half; 95 % over anchors. */
export type Precision = { triplets: number; precision: number; interval: Interval | null };
/** The part of the set by which orders are measured. */
type Asked = Omit<EvaluationSet, 'sampled' | 'held' | 'seen' | 'isWhole'>;
export type Measured = {
  structure: Precision;
  clicks: Precision;
  later: Precision;
  ratings: Precision;
  /** Mean squared distance of random pairs; null: of fewer than FEWEST_VECTORS it says nothing. */
  spread: number | null;
  /** As `simili evaluate` has them (docs/evaluation.md), an answer being right in the query's category; null: no query has one. */
  catalog: ByMetric<Metric | null> & { coverage: number; hubness: number };
};
/** Triplets of which a version has all vectors, by question, and its vectors. */
export type Reach = Readonly<Record<Question | 'vectors', number>>;
/** Kinds of triplets that an order is asked for. */
export type Question = 'structure' | 'clicks' | 'later' | 'ratings';
/**
 * Precision of a candidate minus that of a rival, paired by anchor, with its 95 % interval; null: too few triplets or anchors. `choices`: in how far
 * in front what was chosen stands (choice-precision.ts).
 */
export type Differences = Readonly<Record<Question | 'choices', Interval | null>>;
/** Fewer triplets than this say nothing, nor do fewer choices. */
export const FEWEST_TRIPLETS = 50;
/** Fewer anchors have no interval to speak of. */
const FEWEST_ANCHORS = 10;
type Vectors = ReadonlyMap<string, Float32Array>;
/** K of the paper's Score-at-top-K. */
const K = 30;

const PAIRS = 2000;
/** A handful of products may look alike. */
export const FEWEST_VECTORS = 20;

/** @param vectors unit vectors by product id; triplets with a product that has none are left out. */
export function measure(vectors: Vectors, set: Asked): Measured {
  const rows = set.productIds.map((id) => vectors.get(id));
  return {
    structure: precision(rows, set.structure),
    clicks: precision(rows, set.clicks[0]),
    later: precision(rows, set.later[0]),
    ratings: precision(rows, set.ratings),
    spread: spread([...vectors.values()]),
    catalog: catalogMetrics(rows, set),
  };
}

/** Says what a version could be measured by. */
export function reachOf(vectors: Vectors, set: Asked): Reach {
  const isKnown = set.productIds.map((id) => vectors.has(id));
  const count = (triplets: readonly Triplet[]) =>
    triplets.filter(({ q, p, n }) => isKnown[q] && isKnown[p] && isKnown[n]).length;
  return {
    structure: count(set.structure),
    clicks: count(set.clicks[0]),
    later: count(set.later[0]),
    ratings: count(set.ratings),
    vectors: vectors.size,
  };
}

/** Held-out products among themselves, in lists as shoppers would see them. */
function catalogMetrics(rows: readonly (Float32Array | undefined)[], set: Asked): Measured['catalog'] {
  const none = new Int32Array(rows.length).fill(-1);
  const gallery = set.queries.filter((row) => rows[row] !== undefined);
  const inGallery = new Set(gallery);
  const judged = judge(
    {
      labels: { identities: none, subgroups: none, categories: set.categories },
      groups: set.groups,
      gallery,
      queries: gallery,
      triplets: set.structure.filter(({ q, p, n }) => [q, p, n].every((row) => inGallery.has(row))),
      answer: 1,
      k: K,
    },
    (query) => Float32Array.from(gallery, (row) => squaredDistance(rows[query]!, rows[row]!)),
  );
  const { metrics, coverage, hubness } = summarise([judged]);
  const measured = byMetric((name) => (Number.isFinite(metrics[name].mean) ? metrics[name] : null));
  return { ...measured, coverage: coverage || 0, hubness };
}

function precision(rows: readonly (Float32Array | undefined)[], triplets: readonly Triplet[]): Precision {
  const embedded = triplets.filter(({ q, p, n }) => [q, p, n].every((row) => rows[row] !== undefined));
  const clusters = outcomesByQuery(embedded, (a, b) => squaredDistance(rows[a]!, rows[b]!));
  const measured = clusters.flat().length;
  if (measured === 0) return { triplets: 0, precision: 0, interval: null };
  const interval = bootstrapInterval([clusters], makeRandom(1));
  return { triplets: measured, precision: interval.mean, interval };
}

/** On the triplets of which both have all vectors. */
export function differences(own: Vectors, rival: Vectors, set: Asked): Differences {
  const systems = [own, rival].map((vectors) => set.productIds.map((id) => vectors.get(id)));
  const [first, second] = systems.map((rows) => (a: number, b: number) => squaredDistance(rows[a]!, rows[b]!)) as [
    Distance,
    Distance,
  ];
  const of = (triplets: readonly Triplet[]) => {
    const known = triplets.filter(({ q, p, n }) => systems.every((rows) => [q, p, n].every((row) => rows[row])));
    return differenceOf(known, first, second);
  };
  const embedded = (row: number) => systems.every((rows) => rows[row] !== undefined);
  const ofChoices = (sets: readonly ChoiceSet[]) => differenceOfChoices(knownOf(sets, embedded), first, second);
  return {
    structure: of(set.structure),
    clicks: spanOf(set.clicks.map(of)),
    choices: spanOf(set.choices.map(ofChoices)),
    later: spanOf(set.later.map(of)),
    ratings: of(set.ratings),
  };
}

/** The part of each set whose items have vectors; none where the anchor has none, or that part says nothing. */
function knownOf(sets: readonly ChoiceSet[], isKnown: (row: number) => boolean): ChoiceSet[] {
  return sets.flatMap(({ anchor, items, chosen, exposure }) => {
    if (!isKnown(anchor)) return [];
    const kept = [...items.keys()].filter((i) => isKnown(items[i]!));
    const own = {
      anchor,
      items: Int32Array.from(kept, (i) => items[i]!),
      chosen: Float64Array.from(kept, (i) => chosen[i]!),
      exposure: Float64Array.from(kept, (i) => exposure[i]!),
    };
    return kept.length > 1 && own.chosen.some((votes) => votes > 0) ? [own] : [];
  });
}

/** How much further in front one distance has what was chosen than another; null: fewer than 50 choices, or than 10 anchors. */
export function differenceOfChoices(sets: readonly ChoiceSet[], own: Distance, rival: Distance): Interval | null {
  if (sets.length < FEWEST_ANCHORS || chosenPairs(sets) < FEWEST_TRIPLETS) return null;
  return pairedDifference([choicePrecision(sets, own)], [choicePrecision(sets, rival)], makeRandom(1));
}

type Distance = (a: number, b: number) => number;

/** Precision under one distance minus that under another; null: fewer than 50 triplets, or than 10 anchors. */
export function differenceOf(triplets: readonly Triplet[], own: Distance, rival: Distance): Interval | null {
  const [first, second] = [outcomesByQuery(triplets, own), outcomesByQuery(triplets, rival)];
  const isEnough = triplets.length >= FEWEST_TRIPLETS && first.length >= FEWEST_ANCHORS;
  return isEnough ? pairedDifference([first], [second], makeRandom(1)) : null;
}

/** The first with the ends of all: what it would be by other exponents is in its interval. null: one of them is. */
export function spanOf(intervals: readonly (Interval | null)[]): Interval | null {
  const known = intervals.filter((interval) => interval !== null);
  if (known.length < intervals.length) return null;
  const ends = { low: Math.min(...known.map(({ low }) => low)), high: Math.max(...known.map(({ high }) => high)) };
  return { mean: known[0]!.mean, ...ends };
}

function spread(vectors: readonly Float32Array[]): number | null {
  if (vectors.length < FEWEST_VECTORS) return null;
  const random = makeRandom(2);
  let sum = 0;
  for (let pair = 0; pair < PAIRS; pair++) {
    const a = random.int(vectors.length);
    const b = (a + 1 + random.int(vectors.length - 1)) % vectors.length;
    sum += squaredDistance(vectors[a] as Float32Array, vectors[b] as Float32Array);
  }
  return sum / PAIRS;
}
