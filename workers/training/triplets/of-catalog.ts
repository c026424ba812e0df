import type { LearningColumns } from '@simili/learning/metrics/split';
import type { Random } from '@simili/learning/numbers/random';
import { byCategory } from '@simili/learning/relevance/by-category';
import type { ChoiceSet } from '@simili/learning/relevance/choice-sets';
import type { WeightedTriplet } from '@simili/learning/relevance/relevance';
import type { Distance } from '../fusion/mixture.ts';
import type { TrainingSet } from '../protocol.ts';

/** Enough for a handful of weights. */
const MOST_TRIPLETS = 6000;
/** Items among which the most alike is the negative of an identity triplet: any other would be too easy to tell. */
const RIVALS = 16;

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

/** The same choice sets by the first pictures of their items. */
export const setsByPictures = (sets: readonly ChoiceSet[], { starts }: Pick<TrainingSet, 'starts'>): ChoiceSet[] =>
  sets.map((set) => ({ ...set, anchor: starts[set.anchor]!, items: set.items.map((item) => starts[item]!) }));

/** The same triplets by the first pictures of their items. */
export const byPictures = (
  triplets: readonly WeightedTriplet[],
  { starts }: Pick<TrainingSet, 'starts'>,
): WeightedTriplet[] =>
  triplets.map(({ q, p, n, weight }) => ({ q: starts[q]!, p: starts[p]!, n: starts[n]!, weight }));
