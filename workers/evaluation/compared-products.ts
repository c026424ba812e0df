import { type LearningColumns, lotOf, type Split, splitOf, splits } from '@simili/learning/metrics/split';
import type { ImageRepository, ReadyImage } from 'simili/internal/db/images';

/** Vectors of this many products are compared: of a larger catalog a sample, of held-out products first. */
const MOST_PRODUCTS = 4000;
/** Enough for an interval of two points. */
const MOST_QUERIES = 1000;
const PAGE = 1000;

type Images = Pick<ImageRepository, 'readyPage'>;
type Compared = { readonly id: string; readonly category: string | null; readonly split: Split; readonly lot: number };

/**
 * Products with a picture by which versions are measured, in the order of their ids, held-out ones first: they are what the measurement is about. A large
 * catalog has a sample by lots, which is mostly the same one when it has grown: the first ids may all be of one category, or the oldest products.
 */
export async function comparedProducts(images: Images): Promise<{ ids: string[]; columns: LearningColumns }> {
  let [held, others]: [Compared[], Compared[]] = [[], []];
  let after: ReadyImage | null = null;
  do {
    const page: ReadyImage[] = await images.readyPage(PAGE, after);
    for (const { productId: id, position, categories } of page) {
      if (position !== 0) continue;
      const split = splitOf(id);
      (split === 'test' ? held : others).push({ id, category: categories.at(-1) ?? null, split, lot: lotOf(id) });
    }
    // Enough of each: a large catalog is not kept in memory.
    [held, others] = [sampled(held, byLot, MOST_PRODUCTS), sampled(others, byLot, MOST_PRODUCTS)];
    after = page.at(-1) ?? null;
  } while (after);
  const compared = [...held, ...sampled(others, byLot, MOST_PRODUCTS - held.length)];
  return { ids: compared.map(({ id }) => id), columns: columnsOf(compared) };
}

/** Whether a sample is all products with a picture. */
export const isWhole = (ids: readonly string[]): boolean => ids.length < MOST_PRODUCTS;

/** Those of the held-out ones that are looked up. */
export const queriesOf = (ids: readonly string[], held: Int32Array): Int32Array =>
  Int32Array.from(sampled([...held], (row) => lotOf(ids[row]!), MOST_QUERIES));

const byLot = ({ lot }: Compared): number => lot;

/** As many as are wanted, those with the smallest lots, in the order given. */
function sampled<T>(values: T[], lotOfOne: (value: T) => number, most: number): T[] {
  if (values.length <= most) return values;
  const last = values.map(lotOfOne).sort((a, b) => a - b)[most - 1] ?? -1;
  return values.filter((value) => lotOfOne(value) <= last).slice(0, most);
}

function columnsOf(compared: readonly Compared[]): LearningColumns {
  const names = [...new Set(compared.map(({ category }) => category))].filter((name) => name !== null);
  const numbers = new Map(names.map((name, i) => [name, i]));
  return {
    categories: Int32Array.from(compared, ({ category }) => (category === null ? -1 : numbers.get(category)!)),
    splits: Uint8Array.from(compared, ({ split }) => splits.indexOf(split)),
  };
}
