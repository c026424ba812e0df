import { pictureCount } from '@simili/learning/batches/catalog';
import { type CategoryLabels, categoryLabels } from '@simili/learning/batches/category-labels';
import { itemsIn } from '@simili/learning/metrics/split';
import { makeRandom } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';
import type { CategoryTeaching } from '@simili/learning/recipes/recipe';
import type { Distance } from '../fusion/mixture.ts';
import type { TrainingSet } from '../protocol.ts';

/** Categories that teach a network, and how. */
export type Taught = CategoryLabels & CategoryTeaching;
/** `why`: for the model's record, where they do not. */
export type TaughtOrWhy =
  | { readonly taught: Taught; readonly why: null }
  | { readonly taught: null; readonly why: string };

/** Products that are asked for their kin, among how many, and how often chance is tried. */
const MOST_QUERIES = 300;
const MOST_ITEMS = 600;
const SHUFFLES = 100;
/** Standard deviations of chance beyond which it was none. */
const BEYOND_CHANCE = 3;
/** Every fit asks the same. */
const SEED = 4667;

/**
 * Categories teach where products of one category look more alike than chance has it, by what looks at pictures without any
 * training: validation products first, of small catalogs training ones as well, since the frozen features have learned
 * nothing of categories but their shares. Chance is the same question with the categories shuffled. So categories that mean
 * nothing to the eye have weight 0, and a network is trained as if there were none.
 * @param distance of two pictures
 */
export function whatCategoriesTeach(
  set: TrainingSet,
  teaching: CategoryTeaching | null,
  distance: Distance,
): TaughtOrWhy {
  if (!teaching) return { taught: null, why: 'The recipe does not read categories' };
  const known = categoryLabels(set);
  if (known.classes === 0) return { taught: null, why: 'There are no two categories of two products' };
  if (!beyondChance(set, known.labels, distance))
    return { taught: null, why: 'Weight 0: products of one category look no more alike than chance has it' };
  return { taught: { ...known, ...teaching, weight: weightFor(set, known, teaching) }, why: null };
}

/** Where products have several pictures those say what may change, and categories say the less: a part of the proxies' weight. */
const BESIDE_IDENTITIES = 0.3;

function weightFor(set: TrainingSet, { labels }: CategoryLabels, { weight }: CategoryTeaching): number {
  const items = itemsIn(set, 'train').filter((item) => labels[item]! >= 0);
  const single = items.filter((item) => pictureCount(set, item) === 1).length / items.length;
  return weight * (single + BESIDE_IDENTITIES * (1 - single));
}

function beyondChance(set: TrainingSet, labels: Int32Array, distance: Distance): boolean {
  const random = makeRandom(SEED);
  const items = [...shuffled([...itemsIn(set, 'val')], random), ...shuffled([...itemsIn(set, 'train')], random)]
    .filter((item) => labels[item]! >= 0)
    .slice(0, MOST_ITEMS);
  const rankings = items.slice(0, MOST_QUERIES).map((_query, q) => nearestFirst(q, items, set.starts, distance));
  const own = items.map((item) => labels[item]!);
  const chance = Array.from({ length: SHUFFLES }, () => meanPrecision(rankings, shuffled(own, random)));
  const mean = chance.reduce((sum, value) => sum + value, 0) / SHUFFLES;
  const deviation = Math.sqrt(chance.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (SHUFFLES - 1));
  return meanPrecision(rankings, own) > mean + BEYOND_CHANCE * deviation;
}

/** Places of the other items in `items`, the nearest to the q-th first. */
function nearestFirst(q: number, items: readonly number[], starts: Int32Array, distance: Distance): number[] {
  const query = starts[items[q]!]!;
  return items
    .map((item, at) => ({ at, far: at === q ? -1 : distance(query, starts[item]!) }))
    .sort((a, b) => a.far - b.far)
    .slice(1)
    .map(({ at }) => at);
}

/** Mean over the rankings, the q-th of the q-th item, of the average precision of its label. */
function meanPrecision(rankings: readonly number[][], labels: readonly number[]): number {
  let total = 0;
  for (const [q, ranking] of rankings.entries()) {
    let [found, sum] = [0, 0];
    for (let place = 0; place < ranking.length; place++)
      if (labels[ranking[place]!] === labels[q]) sum += ++found / (place + 1);
    total += found > 0 ? sum / found : 0;
  }
  return total / rankings.length;
}
