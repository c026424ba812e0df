import type { BatchSource } from '../../src/learning/batch.ts';
import { type IdentityLoss, identityBatches } from '../../src/learning/batches/identity-batches.ts';
import { labelledBatches } from '../../src/learning/batches/labelled-batches.ts';
import type { RelatedOptions } from '../../src/learning/batches/related.ts';
import { tripletBatches } from '../../src/learning/batches/triplet-batches.ts';
import { makeOnlineSampler } from '../../src/learning/online-sampler.ts';
import { makeRandom } from '../../src/learning/random.ts';
import type { Objective } from '../../src/learning/recipe.ts';
import type { Relevance } from '../../src/learning/relevance.ts';
import { makeTripletSampler, type TripletSampler } from '../../src/learning/sampler.ts';
import { seedFrom } from '../../src/learning/seed.ts';
import { itemsIn } from '../../src/learning/split.ts';
import type { LearnedFromClicks } from './clicks.ts';
import type { Fit } from './fit.ts';

/** How triplets are drawn by golden relevance, whoever learns from them. */
export const TRIPLET_RULES = {
  /** T_p and T_r of eqs. 7 and 8 on the scale of golden relevance, whose mean within a category is about 0.03. */
  positiveCap: 0.25,
  minimumGap: 0.01,
  /** The paper's share (table 1, fig. 6). */
  outOfClassShare: 0.2,
  maxFailures: 50,
  /** Triplets whose positive is another view of the query: what a picture may look like is learned from itself. */
  selfShare: 0.3,
} as const;
/** Up to this many items every pair of a category is looked at before the first triplet; of more, those that come by. */
const MOST_EXACT = 20_000;
/** Batches whose identities, or triplets, are decided by what shoppers chose: at most this share of them. */
const MOST_CLICK_SHARE = 0.5;
const CHOICES_FOR_HALF_OF_IT = 200;
/** Relevance above which two items of a category are too alike to be pushed apart. */
const ALIKE = 0.3;

/** Which part of a training over several machines: every member of every round has batches of its own. */
export type Part = { readonly round: number; readonly member: number };

/** Batches of the ranking loss that the recipe asks for, from training products, golden relevance and clicks. */
export function rankingSource(fit: Fit, part?: Part): BatchSource {
  const { objective } = fit.recipe;
  const seed = part ? seedFrom(fit.request.seed, part.round, part.member) : fit.request.seed;
  return objective.kind === 'tripletHinge' ? triplets(fit, objective, seed) : identities(fit, objective, seed);
}

/** Batches for the softmax before the ranking; null where there are no two categories. */
export const labelsSource = ({ request: { set, seed }, recipe: { rows } }: Fit) =>
  labelledBatches({ catalog: set, rows, seed });

function identities(
  { request: { set }, recipe, golden, clicks }: Fit,
  objective: Exclude<Objective, { kind: 'tripletHinge' }>,
  seed: number,
) {
  const { views, ...loss } = objective;
  return identityBatches({
    ...{ catalog: set, rows: recipe.rows, views, seed, loss: loss as IdentityLoss },
    related: chosenTogether(clicks),
    neutral: { relevance: golden.relevance, above: ALIKE },
  });
}

/** What shoppers chose beside an item, weighed by how much they preferred it to what they passed over. */
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

const clickShare = ({ chosen }: LearnedFromClicks): number =>
  (MOST_CLICK_SHARE * chosen) / (chosen + CHOICES_FOR_HALF_OF_IT);

function triplets(fit: Fit, { gap, perRelevance }: Extract<Objective, { kind: 'tripletHinge' }>, seed: number) {
  const { set } = fit.request;
  const items = itemsIn(set, 'train');
  const relevance = relevanceOf(fit, items);
  return tripletBatches({
    ...{ catalog: set, items, seed, triplets: fit.recipe.rows / 3 },
    sampler: samplerOf(fit, items, relevance, seed),
    gap: { least: gap, perRelevance, relevance },
  });
}

/** By the sampler's indices: golden relevance, corrected by what shoppers did. */
function relevanceOf({ clicks, golden }: Fit, items: Int32Array): Relevance {
  return (i, j) => (i === j ? 1 : (clicks.relevance(items[i]!, items[j]!) ?? golden.relevance(items[i]!, items[j]!)));
}

function samplerOf(
  { request: { set, sampling }, clicks }: Fit,
  items: Int32Array,
  relevance: Relevance,
  seed: number,
): TripletSampler {
  const rowOf = new Map(Array.from(items, (item, row) => [item, row]));
  const clickTriplets = clicks.triplets.flatMap(({ q, p, n, weight }) => {
    const [query, positive, negative] = [rowOf.get(q), rowOf.get(p), rowOf.get(n)];
    if (query === undefined || positive === undefined || negative === undefined) return [];
    return [{ q: query, p: positive, n: negative, weight }];
  });
  const options = {
    ...{
      categories: items.map((item) => set.categories[item]!),
      relevance,
      clickTriplets,
      clickShare: clickShare(clicks),
    },
    ...TRIPLET_RULES,
    ...(sampling && { outOfClassShare: sampling.outOfClassShare }),
    ...(sampling?.uniform && { drawnBy: () => 1 }),
  };
  const makeSampler = items.length <= MOST_EXACT ? makeTripletSampler : makeOnlineSampler;
  return makeSampler(options, makeRandom(seedFrom(seed, 1)));
}
