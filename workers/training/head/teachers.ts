import { pictureCount } from '@simili/learning/batches/catalog';
import { type CategoryLabels, categoryLabels } from '@simili/learning/batches/category-labels';
import { isIn, itemsIn, splits } from '@simili/learning/metrics/split';
import { makeRandom } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';
import type { TrainingSet } from '../protocol.ts';
import type { LearnedFromClicks } from '../triplets/clicks.ts';

/** Pictures of training products that a head learns from: more change it little, and their vectors are in memory. */
const MOST_LEARNED = 20_000;
/** Pictures of a product in one batch: more say little about what may change. */
export const MOST_PICTURES = 8;

/** Who can teach a head. */
export type Teachers = CategoryLabels & {
  /** The set, in which all other products are held out. */
  readonly set: TrainingSet;
  /** Products with several pictures: what may change without making it another thing. */
  readonly identities: number;
  /** Products that shoppers chose something beside. */
  readonly chosen: number;
};

/** @param most pictures of training products: of those first that shoppers spoke of */
export function findTeachers(set: TrainingSet, clicks: LearnedFromClicks, seed: number, most = MOST_LEARNED): Teachers {
  const limited = limitedTo(set, clicks, seed, most);
  const items = itemsIn(limited, 'train');
  const { labels, classes } = categoryLabels(limited);
  const pairs = clicks.triplets.filter(({ q, p }) => isIn(limited, q, 'train') && isIn(limited, p, 'train'));
  return {
    set: limited,
    labels,
    classes,
    chosen: new Set(pairs.map(({ q }) => q)).size,
    identities: items.filter((item) => pictureCount(limited, item) > 1).length,
  };
}

function limitedTo(set: TrainingSet, { triplets }: LearnedFromClicks, seed: number, most: number): TrainingSet {
  const items = itemsIn(set, 'train');
  if (countOf(set, items) <= most) return set;
  const spoken = new Set(triplets.flatMap(({ q, p }) => [q, p]).filter((item) => isIn(set, item, 'train')));
  const others = shuffled([...items], makeRandom(seed)).filter((item) => !spoken.has(item));
  const kept = new Set<number>();
  let pictures = 0;
  for (const item of [...spoken, ...others]) {
    pictures += pictureCount(set, item);
    if (pictures > most) break;
    kept.add(item);
  }
  const held = splits.indexOf('test');
  return {
    ...set,
    splits: set.splits.map((split, item) => (isIn(set, item, 'train') && !kept.has(item) ? held : split)),
  };
}

const countOf = (set: TrainingSet, items: Int32Array): number =>
  items.reduce((sum, item) => sum + pictureCount(set, item), 0);
