import { fitMixWeights } from '../../src/learning/mix.ts';
import type { Random } from '../../src/learning/random.ts';
import type { WeightedTriplet } from '../../src/learning/relevance.ts';
import type { LearnedFromClicks, LearningItem } from './clicks.ts';

/** Enough for a handful of weights. */
const STRUCTURE_TRIPLETS = 6000;
/** Clicks outweigh the catalog's structure from this many choices on. */
const CHOICES_FOR_HALF = 200;
const GAP = 0.2;
/** Of the prior, in triplets of all the catalog's weight (which is 1). */
const PRIOR_STRENGTH = 0.05;

/** Triplets that the catalog itself gives: same category beats other category. [] when it has fewer than two. */
export function structureTriplets(
  items: readonly LearningItem[],
  chosen: readonly number[],
  random: Random,
): WeightedTriplet[] {
  const members = new Map<string, number[]>();
  for (const i of chosen) {
    const { category } = items[i] as LearningItem;
    if (category === null) continue;
    const known = members.get(category);
    if (known) known.push(i);
    else members.set(category, [i]);
  }
  const anchors = chosen.filter((i) => (members.get(items[i]?.category ?? '')?.length ?? 0) > 1);
  if (anchors.length === 0 || members.size < 2) return [];
  const out: WeightedTriplet[] = [];
  while (out.length < STRUCTURE_TRIPLETS) {
    const q = anchors[random.int(anchors.length)] as number;
    const own = members.get(items[q]?.category ?? '') as number[];
    const p = own[random.int(own.length)] as number;
    const n = chosen[random.int(chosen.length)] as number;
    if (p !== q && items[n]?.category !== items[q]?.category) out.push({ q, p, n, weight: 1 });
  }
  return out;
}

/**
 * Shares of the blocks by max-margin on triplets (the paper's golden feature: a linear mix learned from ratings), held
 * near `prior` while triplets are few.
 * @param vectors per block: unit vectors by item index; items of triplets must be there.
 * @returns [blocks], >= 0, sum 1.
 */
export function fitShares(
  vectors: readonly ReadonlyMap<number, Float32Array>[],
  structure: readonly WeightedTriplet[],
  clicks: Pick<LearnedFromClicks, 'triplets' | 'chosen'>,
  prior: number[],
): number[] {
  const clickShare = clicks.chosen / (clicks.chosen + CHOICES_FOR_HALF);
  const triplets = [...scaled(structure, 1 - clickShare), ...scaled(clicks.triplets, clickShare)];
  if (triplets.length === 0) return prior;
  const margins = new Float32Array(triplets.length * vectors.length);
  triplets.forEach(({ q, p, n }, t) => {
    vectors.forEach((of, b) => {
      const anchor = of.get(q) as Float32Array;
      margins[t * vectors.length + b] =
        squaredDistance(anchor, of.get(n) as Float32Array) - squaredDistance(anchor, of.get(p) as Float32Array);
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

export function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    sum += difference * difference;
  }
  return sum;
}
