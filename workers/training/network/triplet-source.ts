import type { BatchSource } from '@simili/learning/batches/batch';
import { type BatchCatalog, catalogOfPictures } from '@simili/learning/batches/catalog';
import { tripletBatches } from '@simili/learning/batches/triplet-batches';
import { itemsIn, type Split } from '@simili/learning/metrics/split';
import { makeRandom } from '@simili/learning/numbers/random';
import { seedFrom } from '@simili/learning/numbers/seed';
import type { Objective } from '@simili/learning/recipes/recipe';
import type { Relevance, WeightedTriplet } from '@simili/learning/relevance/relevance';
import { gapsBySpread } from '@simili/learning/relevance/relevance-spread';
import { makeOnlineSampler } from '@simili/learning/sampling/online-sampler';
import { makeTripletSampler } from '@simili/learning/sampling/sampler';
import type { SamplerOptions, TripletSampler } from '@simili/learning/sampling/triplet-rules';
import { SimiliError } from 'simili/internal/errors';
import { itemAt } from '../data/item-at.ts';
import type { Fit } from '../fit.ts';
import type { TrainingSet } from '../protocol.ts';
import { clickShare } from '../triplets/clicks.ts';
import { byPictures } from '../triplets/of-catalog.ts';

/** T_p of eq. 7 on the scale of golden relevance, whose mean within a category is about 0.03. */
const RULES = { positiveCap: 0.25, outOfClassShare: 0.2 /* the paper's: table 1, fig. 6 */, maxFailures: 50 } as const;
/** T_r of eq. 8. */
const GAP = { deviations: 1, least: 0.01 } as const;
/** Triplets of products whose positive is another view of the query: what a picture may look like is learned from itself. */
const SELF_SHARE = 0.3;
/** Up to this many items every pair of a category is looked at before the first triplet; of more, those that come by. */
const MOST_EXACT = 20_000;

type Hinge = Extract<Objective, { kind: 'tripletHinge' }>;
/** Whose triplets are drawn: rows of the sampler are these items of the catalog. */
type Drawn = { readonly catalog: BatchCatalog; readonly items: Int32Array; readonly relevance: Relevance };

/**
 * Batches of triplets by golden relevance, corrected by what shoppers did.
 * @throws SimiliError CATALOG_UNLABELLED where the paper's triplets are asked for and no category has two pictures.
 */
export function tripletSource(fit: Fit, objective: Hinge, seed: number): BatchSource {
  const { set, recipe } = fit;
  const drawn = objective.isPublished ? pictures(set, relevanceOfPictures(fit)) : products(fit);
  if (objective.isPublished && !hasPartners(drawn))
    throw new SimiliError('CATALOG_UNLABELLED', { recipe: recipe.name });
  const random = makeRandom(seedFrom(seed, 1));
  const { catalog, items, relevance } = drawn;
  return tripletBatches({
    catalog,
    items,
    seed,
    triplets: recipe.rows / 3,
    sampler: makeSampler(drawn, samplerChanges(fit, objective, items), random),
    gap: { least: objective.gap, perRelevance: objective.perRelevance, relevance },
  });
}

function samplerChanges(
  { set, sampling, clicks }: Fit,
  { isPublished }: Hinge,
  items: Int32Array,
): Partial<SamplerOptions> {
  const triplets = isPublished ? byPictures(clicks.triplets, set) : clicks.triplets;
  return {
    ...(isPublished ? { onlyOthers: true } : { selfShare: SELF_SHARE }),
    clickTriplets: byRows(triplets, items),
    clickShare: clickShare(clicks),
    ...(sampling && { outOfClassShare: sampling.outOfClassShare }),
    ...(sampling?.uniform && { drawnBy: () => 1 }),
  };
}

/** Those of which all three are among the items, by their rows. */
function byRows(triplets: readonly WeightedTriplet[], items: Int32Array): WeightedTriplet[] {
  const rowOf = new Map(Array.from(items, (item, row) => [item, row]));
  return triplets.flatMap(({ q, p, n, weight }) => {
    const [query, positive, negative] = [rowOf.get(q), rowOf.get(p), rowOf.get(n)];
    if (query === undefined || positive === undefined || negative === undefined) return [];
    return [{ q: query, p: positive, n: negative, weight }];
  });
}

function makeSampler(
  { catalog, items, relevance }: Drawn,
  changes: Partial<SamplerOptions>,
  random: ReturnType<typeof makeRandom>,
): TripletSampler {
  const categories = items.map((item) => catalog.categories[item]!);
  const minimumGap = gapsBySpread({ ...GAP, categories, relevance });
  const make = items.length <= MOST_EXACT ? makeTripletSampler : makeOnlineSampler;
  return make({ ...RULES, categories, relevance, minimumGap, ...changes }, random);
}

/** The paper's: every picture is one by itself. */
function pictures(set: TrainingSet, relevance: Relevance, split: Split = 'train'): Drawn {
  const catalog = catalogOfPictures(set);
  const items = itemsIn(catalog, split);
  return { catalog, items, relevance: (i, j) => relevance(items[i]!, items[j]!) };
}

/** By their first pictures; what an item is to another view of itself is 1. */
function products({ set, clicks, golden }: Fit): Drawn {
  const items = itemsIn(set, 'train');
  const relevance: Relevance = (i, j) =>
    i === j ? 1 : (clicks.relevance(items[i]!, items[j]!) ?? golden.relevance(items[i]!, items[j]!));
  return { catalog: set, items, relevance };
}

/** Relevance of pictures; feedback is about products, that is about their first pictures. */
function relevanceOfPictures({ set, clicks, golden }: Fit): Relevance {
  const itemOf = Int32Array.from({ length: set.starts.at(-1)! }, (_, picture) => itemAt(set.starts, picture));
  return (a, b) => {
    const [one, other] = [itemOf[a]!, itemOf[b]!];
    const areFirst = set.starts[one] === a && set.starts[other] === b;
    return (areFirst ? clicks.relevance(one, other) : undefined) ?? golden.relevanceOfPictures(a, b);
  };
}

/** Whether two items have a category in common, beside a third item that can be a negative. */
function hasPartners({ catalog, items }: Drawn): boolean {
  const seen = new Set<number>();
  const isSecond = (item: number): boolean => {
    const category = catalog.categories[item]!;
    if (seen.has(category)) return true;
    if (category >= 0) seen.add(category);
    return false;
  };
  return items.length > 2 && items.some(isSecond);
}

/**
 * Triplets of pictures as the paper draws them, for methods that learn from triplets of vectors; null where no category has two
 * pictures.
 */
export function publishedTriplets(
  set: TrainingSet,
  relevance: Relevance,
  split: Split,
  seed: number,
): (() => { q: number; p: number; n: number }) | null {
  const drawn = pictures(set, relevance, split);
  if (!hasPartners(drawn)) return null;
  const sampler = makeSampler(drawn, { onlyOthers: true }, makeRandom(seed));
  return () => {
    const { q, p, n } = sampler.next();
    return { q: drawn.items[q]!, p: drawn.items[p]!, n: drawn.items[n]! };
  };
}
