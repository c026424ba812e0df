import type { RelatedOptions } from '@simili/learning/batches/related';
import { isIn, type LearningColumns } from '@simili/learning/metrics/split';
import { baseRates } from '@simili/learning/relevance/base-rate';
import { type ChoiceSet, choiceSets } from '@simili/learning/relevance/choice-sets';
import { credibility, MOST_OF_BATCHES } from '@simili/learning/relevance/credibility';
import { fitExamination, powerLaw } from '@simili/learning/relevance/examination';
import {
  type ClickRelevanceOptions,
  clickRelevance,
  clickTriplets,
  type Propensity,
  type Relevance,
  type WeightedTriplet,
} from '@simili/learning/relevance/relevance';
import { type SeenPair, SeenPairs } from '@simili/learning/relevance/seen-pairs';

export type LearnedFromClicks = {
  /** Positive: chosen; negative: passed over in the same anchor's lists. Single ones are noise, many are not. */
  triplets: WeightedTriplet[];
  /** Pairs of anchor and chosen item that are in a triplet: how much the triplets are worth. */
  chosen: number;
  /** All that was seen and chosen, by anchor: single choices teach what few numbers tell, the shares of blocks. */
  sets: ChoiceSet[];
  /** Relevance of the pairs that were seen, on the scale of the prior; undefined for all others. */
  relevance: (anchor: number, item: number) => number | undefined;
};

/** How many examined impressions the prior is worth. A triplet asks which of two was preferred: there it is flat and weak. */
const PRIOR_STRENGTH = 10;
const FLAT_PRIOR = { relevance: 0.1, strength: 0.5 };
/** The most that one impression at a low position counts for. */
const CLIP = 10;
const PER_ANCHOR = 40;
/** Room between two products of a triplet, in standard errors of each: without it single clicks at low places win. */
const STANDARD_ERRORS = 1;
/** One choice in a list under own filters by one who made twice as many as count; who chose a thousand things makes no positive alone. */
const FEWEST_VOTES = 0.25;
/** One impression at place 100, under the usual decay: what was seen less is as the prior has it, and is no negative. */
const FEWEST_IMPRESSIONS = 0.01;

/**
 * Feedback, corrected for position and for what is chosen everywhere, as relevance and as triplets. Learning takes anchors of 'train' and 'val' and never
 * touches a held-out product; evaluation takes held-out anchors only ('test'), or pairs of days of which no version learned.
 * @param part which of the feedback counts; what is known of places and of base rates comes of all that may be known
 */
export const learnFromClicks = (
  feedback: Iterable<SeenPair>,
  columns: LearningColumns,
  prior: Relevance,
  part: Part = 'learning',
): LearnedFromClicks => learnerFromClicks(feedback, columns, prior, part)(0);

type Part = 'learning' | 'test' | Iterable<SeenPair>;

/**
 * `learnFromClicks` by several exponents of examination: feedback is put in order and heard for them once.
 * @returns what is learned where exponents lie so many standard errors beside what is estimated
 */
export function learnerFromClicks(
  feedback: Iterable<SeenPair>,
  columns: LearningColumns,
  prior: Relevance,
  part: Part,
): (errors: number) => LearnedFromClicks {
  const isHeld = (item: number) => isIn(columns, item, 'test');
  const isWanted = (anchor: number, item: number) =>
    part === 'test' ? isHeld(anchor) : !isHeld(anchor) && !isHeld(item);
  const seen = SeenPairs.from(feedback);
  const wanted = typeof part === 'string' ? seen.filter(isWanted) : SeenPairs.from(part);
  // Positions are a matter of the page and its placement, not of the products: all feedback helps to estimate them.
  const examination = fitExamination(seen);
  return (errors) => {
    const propensity = powerLaw(examination, errors);
    return learned(wanted, propensity, baseRates(part === 'learning' ? wanted : seen, propensity), prior);
  };
}

function learned(
  wanted: SeenPairs,
  propensity: Propensity,
  base: ReturnType<typeof baseRates>,
  prior: Relevance,
): LearnedFromClicks {
  const shared = { clip: CLIP, maximum: 1, propensity, base };
  const flat = clickRelevance(wanted, { ...shared, prior: () => FLAT_PRIOR.relevance, strength: FLAT_PRIOR.strength });
  // Asked for by samplers of triplets alone: the prior looks at the pictures of every pair that was seen, for hours in a large shop.
  let known: Float64Array | null = null;
  const knownOnce = (): Float64Array => {
    known ??= relevances(wanted, { ...shared, prior, strength: PRIOR_STRENGTH });
    return known;
  };
  const triplets = clickTriplets(flat, {
    z: STANDARD_ERRORS,
    minimumGap: 0,
    perAnchor: PER_ANCHOR,
    minimumActions: FEWEST_VOTES,
    minimumImpressions: FEWEST_IMPRESSIONS,
  });
  return {
    triplets,
    chosen: new Set(triplets.map(({ q, p }) => `${q} ${p}`)).size,
    sets: choiceSets(wanted, propensity, base),
    relevance: (anchor, item) => {
      const pair = wanted.pairOf(anchor, item);
      return pair < 0 ? undefined : knownOnce()[pair];
    },
  };
}

/** [pairs] */
function relevances(pairs: SeenPairs, options: ClickRelevanceOptions): Float64Array {
  const found = new Float64Array(pairs.pairs);
  let pair = 0;
  for (const { relevance } of clickRelevance(pairs, options)) found[pair++] = relevance;
  return found;
}

/** Items that shoppers chose beside an item, weighed by how much they preferred them to those they passed over. */
export function chosenTogether(clicks: LearnedFromClicks): RelatedOptions {
  const weights = new Map<number, Map<number, number>>();
  for (const { q, p, weight } of clicks.triplets) {
    const own = weights.get(q) ?? new Map<number, number>();
    weights.set(q, own);
    own.set(p, (own.get(p) ?? 0) + weight);
  }
  const lists = new Map([...weights].map(([q, own]) => [q, [...own].map(([item, weight]) => ({ item, weight }))]));
  return { of: (item) => lists.get(item) ?? [], share: clickShare(clicks) };
}

/** Share of the batches, or triplets, that choices of shoppers decide, in [0, 0.5). */
export const clickShare = ({ chosen }: LearnedFromClicks): number => credibility(chosen, MOST_OF_BATCHES);
