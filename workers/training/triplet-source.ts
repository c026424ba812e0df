import type { Random } from '../../src/learning/random.ts';
import type { Relevance } from '../../src/learning/relevance.ts';
import { makeTripletSampler, type Triplet } from '../../src/learning/sampler.ts';
import type { LearnedFromClicks, LearningItem } from './clicks.ts';

/** T_p and T_r of eqs. 7 and 8 on the scale of golden relevance, whose mean within a category is about 0.03. */
const POSITIVE_CAP = 0.25;
const MINIMUM_GAP = 0.01;
/** The paper's share (table 1, fig. 6). */
const OUT_OF_CLASS = 0.2;
/** Triplets whose positive is another view of the query: what a picture may look like is learned from itself. */
const SELF_SHARE = 0.3;
const MOST_CLICK_SHARE = 0.5;
const CHOICES_FOR_HALF_OF_IT = 200;
const MAX_FAILURES = 50;

/**
 * Triplets of training products by the paper's law, from golden relevance corrected by clicks; a share comes straight
 * from click preferences. Indices are those of `items`.
 */
export function makeTripletSource(items: readonly LearningItem[], golden: Relevance, clicks: LearnedFromClicks) {
  const members = items.flatMap(({ split }, i) => (split === 'train' ? [i] : []));
  const rowOf = new Map(members.map((item, row) => [item, row]));
  const at = (row: number): number => members[row] as number;
  const names = [...new Set(members.map((i) => items[i]?.category))].filter((name) => typeof name === 'string');
  const indexOf = new Map(names.map((name, i) => [name, i]));
  const clickTriplets = clicks.triplets.flatMap(({ q, p, n, weight }) => {
    const [query, positive, negative] = [rowOf.get(q), rowOf.get(p), rowOf.get(n)];
    if (query === undefined || positive === undefined || negative === undefined) return [];
    return [{ q: query, p: positive, n: negative, weight }];
  });
  const options = {
    categories: Int32Array.from(members, (i) => indexOf.get(items[i]?.category ?? '') ?? -1),
    relevance: (i: number, j: number) => (i === j ? 1 : (clicks.relevance(at(i), at(j)) ?? golden(at(i), at(j)))),
    clickTriplets,
    clickShare: (MOST_CLICK_SHARE * clicks.chosen) / (clicks.chosen + CHOICES_FOR_HALF_OF_IT),
    ...{ positiveCap: POSITIVE_CAP, minimumGap: MINIMUM_GAP, outOfClassShare: OUT_OF_CLASS },
    ...{ maxFailures: MAX_FAILURES, selfShare: SELF_SHARE },
  };
  return (random: Random): (() => Triplet) => {
    const sampler = makeTripletSampler(options, random);
    return () => {
      const { q, p, n } = sampler.next();
      return { q: at(q), p: at(p), n: at(n) };
    };
  };
}
