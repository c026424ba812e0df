import type { LearningColumns } from '@simili/learning/metrics/split';
import type { Random } from '@simili/learning/numbers/random';
import { byCategory } from '@simili/learning/relevance/by-category';
import type { ChoiceSet } from '@simili/learning/relevance/choice-sets';
import type { WeightedTriplet } from '@simili/learning/relevance/relevance';
import { makeAliasTable } from '@simili/learning/sampling/alias';
import type { Triplet } from '@simili/learning/sampling/triplet-rules';
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
  const draw = fitsByTrial(members, chosen.length)
    ? byTrial({ categories, members, anchors, chosen, random })
    : byWeight({ categories, members, anchors, chosen, random });
  return Array.from({ length: count }, () => ({ ...draw(), weight: 1 }));
}

type Drawing = {
  readonly categories: Int32Array;
  readonly members: ReadonlyMap<number, readonly number[]>;
  readonly anchors: Int32Array;
  readonly chosen: Int32Array;
  readonly random: Random;
};

/** Anchor, one of its category and any item, all uniform, until they are a triplet. */
const byTrial =
  ({ categories, members, anchors, chosen, random }: Drawing): (() => Triplet) =>
  () => {
    for (;;) {
      const q = anchors[random.int(anchors.length)]!;
      const own = members.get(categories[q]!)!;
      const p = own[random.int(own.length)]!;
      const n = chosen[random.int(chosen.length)]!;
      if (p !== q && categories[n] !== categories[q]) return { q, p, n };
    }
  };

/** Whether one trial in a thousand gives a triplet: where nearly all items are of one category, hardly any item is of another. */
function fitsByTrial(members: ReadonlyMap<number, readonly number[]>, items: number): boolean {
  const several = [...members.values()].filter(({ length }) => length > 1);
  const anchors = several.reduce((sum, { length }) => sum + length, 0);
  return several.reduce((sum, own) => sum + weightOf(own, items), 0) > 0.001 * anchors * items;
}

/** Triplets whose anchor is of a category, up to a factor: (m - 1) of its items beside each of the others. */
const weightOf = ({ length }: readonly number[], items: number): number => (length - 1) * (items - length);

/** The same law where one category has more than half of all items, as in each catalog in which trials mostly fail: those outside it are known. */
function byWeight({ categories, members, chosen, random }: Drawing): () => Triplet {
  const all = [...members];
  const table = makeAliasTable(all.map(([, own]) => weightOf(own, chosen.length)))!;
  const [largest] = all.reduce((most, next) => (next[1].length > most[1].length ? next : most));
  const outside = chosen.filter((item) => categories[item] !== largest);
  const otherThan = (category: number): number => {
    for (;;) {
      const n = category === largest ? outside[random.int(outside.length)]! : chosen[random.int(chosen.length)]!;
      if (categories[n] !== category) return n;
    }
  };
  return () => {
    const [category, own] = all[table.draw(random)]!;
    const [first, second] = [random.int(own.length), random.int(own.length - 1)];
    return { q: own[first]!, p: own[second < first ? second : second + 1]!, n: otherThan(category) };
  };
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
