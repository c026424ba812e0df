import type { ReadyImage } from '../../src/db/images.ts';
import type { Repositories } from '../../src/db/repositories.ts';
import { makeRandom } from '../../src/learning/random.ts';
import type { Triplet } from '../../src/learning/sampler.ts';
import { splitOf } from '../../src/learning/split.ts';
import { type LearningItem, learnFromClicks } from '../training/clicks.ts';
import { structureTriplets } from '../training/mixture.ts';
import { toIndices } from '../training-set.ts';

/** What a version is measured on: products that no version ever learned from, and the same triplets for all. */
export type EvaluationSet = {
  productIds: string[];
  /** Anchor held out; same category beats other category. */
  structure: Triplet[];
  /** Anchor held out; what shoppers preferred beats what they passed over. */
  clicks: Triplet[];
};

/** Vectors of this many products are compared; a larger catalog is represented by the first of each split in id order. */
const MOST_PRODUCTS = 4000;
const PAGE = 1000;
/** Never changed: versions of different days are measured with the same triplets while the catalog stays. */
const SEED = 20140416;

export async function collectEvaluationSet(
  { images, feedback }: Pick<Repositories, 'images' | 'feedback'>,
  until: Date,
): Promise<EvaluationSet> {
  const items = await comparedProducts(images);
  const held = items.flatMap(({ split }, i) => (split === 'test' ? [i] : []));
  const statistics = toIndices(await feedback.statistics(until), items);
  const flat = () => 0.5; // no prior opinion: evaluation trusts what was seen
  return {
    productIds: items.map(({ id }) => id),
    structure: structureTriplets(items, held, makeRandom(SEED)),
    clicks: learnFromClicks(statistics, items, flat, 'test').triplets,
  };
}

/** Held-out products first: they are what the set is about. */
async function comparedProducts(images: Repositories['images']): Promise<LearningItem[]> {
  const items: LearningItem[] = [];
  let after: ReadyImage | null = null;
  do {
    const page: ReadyImage[] = await images.readyPage(PAGE, after);
    for (const { productId, position, categories } of page) {
      if (position === 0) items.push({ id: productId, category: categories.at(-1) ?? null, split: splitOf(productId) });
    }
    after = page.at(-1) ?? null;
  } while (after);
  const held = items.filter(({ split }) => split === 'test');
  const others = items.filter(({ split }) => split !== 'test');
  return [...held, ...others].slice(0, MOST_PRODUCTS);
}
