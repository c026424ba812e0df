import { fitMixWeights } from '@simili/learning/fusion/mix';
import type { LearningColumns } from '@simili/learning/metrics/split';
import type { Random } from '@simili/learning/numbers/random';
import { byCategory } from '@simili/learning/relevance/by-category';
import type { WeightedTriplet } from '@simili/learning/relevance/relevance';
import type { TrainingSet } from './protocol.ts';

/** Enough for a handful of weights. */
const MOST_TRIPLETS = 6000;
/** People outweigh the catalog's structure from this many choices on. */
const CHOICES_FOR_HALF = 200;
const GAP = 0.2;
/** Strength of the prior, in triplets of all the catalog's weight (which is 1). */
const PRIOR_STRENGTH = 0.05;
/** Items among which the most alike is the negative of an identity triplet: any other would be too easy to tell. */
const RIVALS = 16;

/** D(a, b) of two pictures. */
export type Distance = (a: number, b: number) => number;

/** Triplets of items that the catalog itself gives: same category beats other category. [] when it has fewer than two. */
export function structureTriplets(
  { categories }: LearningColumns,
  chosen: Int32Array,
  random: Random,
  count = MOST_TRIPLETS,
): WeightedTriplet[] {
  const members = byCategory({ categories }, chosen);
  const anchors = chosen.filter((item) => (members.get(categories[item]!)?.length ?? 0) > 1);
  if (anchors.length === 0 || members.size < 2) return [];
  const out: WeightedTriplet[] = [];
  while (out.length < count) {
    const q = anchors[random.int(anchors.length)]!;
    const own = members.get(categories[q]!)!;
    const p = own[random.int(own.length)]!;
    const n = chosen[random.int(chosen.length)]!;
    if (p !== q && categories[n] !== categories[q]) out.push({ q, p, n, weight: 1 });
  }
  return out;
}

/**
 * Triplets of pictures: another picture of the same product beats one of another product, the most alike of a few.
 * [] where no chosen item has two pictures.
 */
export function identityTriplets(
  { starts }: Pick<TrainingSet, 'starts'>,
  chosen: Int32Array,
  distance: Distance,
  random: Random,
  count = MOST_TRIPLETS,
): WeightedTriplet[] {
  const pictures = (item: number): number => starts[item + 1]! - starts[item]!;
  const anchors = chosen.filter((item) => pictures(item) > 1);
  if (anchors.length === 0 || chosen.length < 2) return [];
  return Array.from({ length: count }, () => {
    const item = anchors[random.int(anchors.length)]!;
    const q = starts[item]! + random.int(pictures(item));
    const other = starts[item]! + random.int(pictures(item) - 1);
    const rivals = Array.from({ length: RIVALS }, () => chosen[random.int(chosen.length)]!).filter(
      (rival) => rival !== item,
    );
    const candidates = (rivals.length > 0 ? rivals : [chosen.find((any) => any !== item)!]).map(
      (rival) => starts[rival]! + random.int(pictures(rival)),
    );
    const n = candidates.reduce((best, next) => (distance(q, next) < distance(q, best) ? next : best));
    return { q, p: other < q ? other : other + 1, n, weight: 1 };
  });
}

/** The same triplets by the first pictures of their items. */
export const byPictures = (
  triplets: readonly WeightedTriplet[],
  { starts }: Pick<TrainingSet, 'starts'>,
): WeightedTriplet[] =>
  triplets.map(({ q, p, n, weight }) => ({ q: starts[q]!, p: starts[p]!, n: starts[n]!, weight }));

/** Triplets of pictures by where they come from, and how much people have said. */
export type Evidence = {
  readonly structure: readonly WeightedTriplet[];
  readonly identity: readonly WeightedTriplet[];
  /** What shoppers chose and raters answered. */
  readonly people: readonly WeightedTriplet[];
  /** Pairs that shoppers acted on, and answers of raters: what `people` is worth. */
  readonly choices: number;
};

export const kindsOfEvidence = ['structure', 'identity', 'people'] as const;
export type KindOfEvidence = (typeof kindsOfEvidence)[number];

/**
 * What each kind counts for, in [0, 1]: people the more the more they said; of the rest, what the catalog says of
 * identities as much as what it says of categories. A kind of which there is nothing counts for nothing.
 */
export function trustIn({
  structure,
  identity,
  people,
  choices,
}: Record<KindOfEvidence, ArrayLike<unknown>> & { readonly choices: number }): Record<KindOfEvidence, number> {
  const byPeople = people.length > 0 ? choices / (choices + CHOICES_FOR_HALF) : 0;
  const byIdentity = identity.length > 0 ? (structure.length > 0 ? 0.5 : 1) : 0;
  const rest = 1 - byPeople;
  return { structure: rest * (1 - byIdentity), identity: rest * byIdentity, people: byPeople };
}

/**
 * Shares of the blocks by max-margin on triplets (the paper's golden feature: a linear mix learned from ratings), held
 * near `prior` while triplets are few.
 * @param distances per block: D of two pictures.
 * @returns [blocks], >= 0, sum 1.
 */
export function fitShares(distances: readonly Distance[], evidence: Evidence, prior: number[]): number[] {
  const trust = trustIn(evidence);
  const triplets = kindsOfEvidence.flatMap((kind) => scaled(evidence[kind], trust[kind]));
  if (triplets.length === 0) return prior;
  const margins = new Float32Array(triplets.length * distances.length);
  triplets.forEach(({ q, p, n }, t) => {
    distances.forEach((distance, b) => {
      margins[t * distances.length + b] = distance(q, n) - distance(q, p);
    });
  });
  const tripletWeights = Float64Array.from(triplets, ({ weight }) => weight);
  return [...fitMixWeights(margins, { gap: GAP, l2: 1e-3, tripletWeights, prior, priorStrength: PRIOR_STRENGTH })];
}

/** Weights scaled to add up to `total`. */
function scaled(triplets: readonly WeightedTriplet[], total: number): WeightedTriplet[] {
  const sum = triplets.reduce((acc, { weight }) => acc + weight, 0);
  return total > 0 && sum > 0
    ? triplets.map((triplet) => ({ ...triplet, weight: (triplet.weight * total) / sum }))
    : [];
}
