import { type LearningColumns, lotOf, placeOf, type Split, splitOf, splits } from '@simili/learning/metrics/split';
import type { FeedbackRepository } from 'simili/internal/db/feedback';
import type { ImageRepository, ReadyImage } from 'simili/internal/db/images';
import type { Rating } from 'simili/internal/db/ratings';

/** Vectors of this many products are compared: of a larger catalog a sample, of held-out products first. */
const MOST_PRODUCTS = 4000;
/** Enough for an interval of two points. */
const MOST_QUERIES = 1000;
/** Products that people spoke of are compared besides, where the sample leaves most of them out. */
const MOST_SPOKEN = 4000;
const PAGE = 1000;

type Images = Pick<ImageRepository, 'readyPage'>;
type Compared = {
  readonly id: string;
  /** In the order of the ids. */
  readonly place: number;
  readonly category: string | null;
  readonly group: string | null;
  readonly split: Split;
  readonly lot: number;
};

/**
 * Products with a picture by which versions are measured, in the order of their ids as the database has it, by which equal distances are told apart where
 * versions serve. A large catalog has a sample, held-out ones before others: they are what the measurement is about. It is drawn by lots, and mostly the same
 * one when the catalog has grown: the first ids may all be of one category, or the oldest products.
 * @returns `groups`: [ids] group by number; -1: none
 */
export async function comparedProducts(
  images: Images,
): Promise<{ ids: string[]; columns: LearningColumns; groups: Int32Array }> {
  let [held, others]: [Compared[], Compared[]] = [[], []];
  let after: ReadyImage | null = null;
  let products = 0;
  do {
    const page: ReadyImage[] = await images.readyPage(PAGE, after);
    for (const { productId: id, position, categories, groupId: group } of page) {
      if (position !== 0) continue;
      const { split, lot } = placeOf(id);
      const category = categories.at(-1) ?? null;
      (split === 'test' ? held : others).push({ id, place: products++, category, group, split, lot });
    }
    // Enough of each: a large catalog is not kept in memory.
    [held, others] = [sampled(held, byLot, MOST_PRODUCTS), sampled(others, byLot, MOST_PRODUCTS)];
    after = page.at(-1) ?? null;
  } while (after);
  const chosen = [...held, ...sampled(others, byLot, MOST_PRODUCTS - held.length)];
  const compared = chosen.sort((a, b) => a.place - b.place);
  return {
    ids: compared.map(({ id }) => id),
    columns: columnsOf(compared),
    groups: numbered(compared.map(({ group }) => group)),
  };
}

/** Whether a sample is all products with a picture. */
export const isWhole = (ids: readonly string[]): boolean => ids.length < MOST_PRODUCTS;

/**
 * Products that people spoke of and the sample of a large catalog has not: those of the lists that tell most beside held-out anchors, of the lists that tell
 * most on the days that judge, and of raters' answers, in turns. What shoppers want is asked of pairs, and of a hundred thousand products a sample has one
 * pair in six hundred.
 */
export async function spokenProducts(
  feedback: Pick<FeedbackRepository, 'tellingLists'>,
  ratings: readonly Rating[],
  judgedFrom: string,
  sample: readonly string[],
): Promise<string[]> {
  if (isWhole(sample)) return [];
  const kinds = [
    await feedback.tellingLists({ from: null, isWanted: isHeldOut }),
    await feedback.tellingLists({ from: judgedFrom, isWanted: () => true }),
    ratings.filter(({ anchorId }) => isHeldOut(anchorId)).map((rating) => Object.values(rating)),
  ];
  const known = new Set(sample);
  const spoken = new Set<string>();
  const turns = Math.max(...kinds.map(({ length }) => length));
  for (let turn = 0; turn < turns && spoken.size < MOST_SPOKEN; turn++)
    for (const id of kinds.flatMap((groups) => groups[turn] ?? [])) if (!known.has(id)) spoken.add(id);
  return [...spoken];
}

const isHeldOut = (id: string): boolean => splitOf(id) === 'test';

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
  return {
    categories: numbered(compared.map(({ category }) => category)),
    splits: Uint8Array.from(compared, ({ split }) => splits.indexOf(split)),
  };
}

/** Numbers from 0 in the order of appearance; -1 for none. */
function numbered(names: readonly (string | null)[]): Int32Array {
  const numbers = new Map([...new Set(names)].filter((name) => name !== null).map((name, i) => [name, i]));
  return Int32Array.from(names, (name) => (name === null ? -1 : numbers.get(name)!));
}

/** A column of so many products, of which the first ones are known; -1 for the others. */
export function filledTo(length: number, known: Int32Array): Int32Array {
  const column = new Int32Array(length).fill(-1);
  column.set(known);
  return column;
}

/** Columns of these products, of which the first ones are known: of the others no category is asked. */
export function withOthers({ categories, splits: known }: LearningColumns, ids: readonly string[]): LearningColumns {
  const columns = { categories: filledTo(ids.length, categories), splits: new Uint8Array(ids.length) };
  columns.splits.set(known);
  for (let row = known.length; row < ids.length; row++) columns.splits[row] = splits.indexOf(splitOf(ids[row]!));
  return columns;
}
