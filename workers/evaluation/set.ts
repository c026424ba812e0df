import { setImmediate as nextTurn } from 'node:timers/promises';
import { isIn, itemsIn, type LearningColumns } from '@simili/learning/metrics/split';
import { makeRandom } from '@simili/learning/numbers/random';
import type { ChoiceSet } from '@simili/learning/relevance/choice-sets';
import type { SeenPair, SeenPairs } from '@simili/learning/relevance/seen-pairs';
import type { Triplet } from '@simili/learning/sampling/sampler';
import type { Repositories } from 'simili/internal/db/repositories';
import { seenPairs, toTriplets } from '../evidence/training-set.ts';
import { type LearnedFromClicks, learnerFromClicks } from '../training/triplets/clicks.ts';
import { structureTriplets } from '../training/triplets/of-catalog.ts';
import { comparedProducts, filledTo, isWhole, queriesOf, spokenProducts, withOthers } from './compared-products.ts';

/** Data of a measurement: products that no version ever learned from, and the same triplets for all. */
export type EvaluationSet = {
  productIds: string[];
  /** How many of them, the first ones, stand for the catalog, in the order of their ids; people spoke of the others. */
  sampled: number;
  /** [productIds] Leaf category by number; -1 where a product has none. */
  categories: Int32Array;
  /** [productIds] Group by number, of which a list shows one (ADR 18); -1 where a product has none, or people spoke of it alone. */
  groups: Int32Array;
  /** Held-out products that are looked up, each among all of them. */
  queries: Int32Array;
  /** Anchor held out; same category beats other category. None with a variant of the anchor, which no list shows beside it. */
  structure: Triplet[];
  /** Anchor held out; what shoppers preferred beats what they passed over. */
  clicks: ByExponent<Triplet[]>;
  /** Anchor held out; all that was seen and chosen beside it. */
  choices: ByExponent<ChoiceSet[]>;
  /** Any anchor, on days of which no version that is compared learned anything; as `clicks`. */
  later: ByExponent<Triplet[]>;
  /** Anchor held out; as people answered. */
  ratings: Triplet[];
  /** Products that are held out. */
  held: ReadonlySet<number>;
  /** All that shoppers saw and did beside these products. */
  seen: SeenPairs;
  /** Whether these are all products with a picture. */
  isWhole: boolean;
};

/** By the exponents of examination as they are estimated, and by both ends of their 99 % intervals. */
export type ByExponent<T> = readonly [estimated: T, low: T, high: T];

const mapped = <T, U>([estimated, low, high]: ByExponent<T>, to: (own: T) => U): ByExponent<U> => [
  to(estimated),
  to(low),
  to(high),
];

/** Standard errors to the ends of an exponent's interval: what they leave out is little beside what the 95 % over anchors do. */
const STANDARD_ERRORS = 2.58;
const ERRORS: ByExponent<number> = [0, -STANDARD_ERRORS, STANDARD_ERRORS];
/** Never changed: versions of different days are measured with the same triplets while the catalog stays. */
const SEED = 20140416;

/** @param judgedFrom the first day (YYYY-MM-DD, UTC) of which none of the versions that are compared learned anything */
export async function collectEvaluationSet(
  { images, feedback, ratings }: Pick<Repositories, 'images' | 'feedback' | 'ratings'>,
  until: Date,
  judgedFrom: string,
): Promise<EvaluationSet> {
  const { ids: sample, columns: ofSample, groups } = await comparedProducts(images);
  const answers = await ratings.upTo(until);
  const ids = [...sample, ...(await spokenProducts(feedback, answers, judgedFrom, sample))];
  const columns = withOthers(ofSample, ids);
  const { pairs: statistics } = await seenPairs(feedback, until, ids);
  const { pairs: judged } = await seenPairs(feedback, until, ids, () => ({ from: judgedFrom, before: null }));
  const held = itemsIn(ofSample, 'test');
  const ofHeldOut = await learnedInTurns(statistics, columns, 'test');
  const ofLater = await learnedInTurns(statistics, columns, judged);
  return {
    productIds: ids,
    sampled: sample.length,
    categories: columns.categories,
    groups: filledTo(ids.length, groups),
    queries: queriesOf(sample, held),
    structure: structureTriplets(ofSample, held, makeRandom(SEED)).filter(isOfOthers(groups)),
    clicks: mapped(ofHeldOut, ({ triplets }) => triplets),
    choices: mapped(ofHeldOut, ({ sets }) => sets),
    later: mapped(ofLater, ({ triplets }) => triplets),
    held: new Set(held),
    seen: statistics,
    isWhole: isWhole(sample),
    ratings: toTriplets(answers, ids).filter(({ q }) => isIn(columns, q, 'test')),
  };
}

/** Says of a triplet whether it compares an anchor with products that are not its variants. */
const isOfOthers =
  (groups: Int32Array) =>
  ({ q, p, n }: Triplet): boolean =>
    groups[q] === -1 || (groups[q] !== groups[p] && groups[q] !== groups[n]);

/** @param part as of `learnFromClicks` */
export function learnedByExponent(
  feedback: Iterable<SeenPair>,
  columns: LearningColumns,
  part: 'test' | Iterable<SeenPair>,
): ByExponent<LearnedFromClicks> {
  return mapped(ERRORS, learnerOf(feedback, columns, part));
}

/** The same; between two exponents the process does what else it has to do. */
async function learnedInTurns(...asked: Parameters<typeof learnedByExponent>): Promise<ByExponent<LearnedFromClicks>> {
  const at = learnerOf(...asked);
  const learned: LearnedFromClicks[] = [];
  for (const errors of ERRORS) {
    await nextTurn();
    learned.push(at(errors));
  }
  return learned as unknown as ByExponent<LearnedFromClicks>;
}

/** No prior opinion: evaluation trusts what was seen. */
const learnerOf = (...[feedback, columns, part]: Parameters<typeof learnedByExponent>) =>
  learnerFromClicks(feedback, columns, () => 0.5, part);
