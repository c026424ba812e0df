import { isIn, type LearningColumns } from '../metrics/split.ts';
import type { Random } from '../numbers/random.ts';

/** The items and their pictures, as batches need them: columns of n items, as in a training set. */
export type BatchCatalog = LearningColumns & {
  /** [n + 1]: pictures of item i are starts[i] to starts[i + 1] - 1, at least one; the first is the compared one. */
  readonly starts: Int32Array;
};

export const pictureCount = ({ starts }: BatchCatalog, item: number): number => starts[item + 1]! - starts[item]!;

/** All pictures of some items, item by item. */
export const picturesOf = ({ starts }: Pick<BatchCatalog, 'starts'>, items: Iterable<number>): number[] =>
  [...items].flatMap((item) => Array.from({ length: starts[item + 1]! - starts[item]! }, (_, i) => starts[item]! + i));

/** A catalog of which every picture is an item, with the category and the split of its product: the paper's triplets are of pictures. */
export function catalogOfPictures({ starts, categories, splits }: BatchCatalog): BatchCatalog {
  const pictures = starts.at(-1) ?? 0;
  const out = { categories: new Int32Array(pictures), splits: new Uint8Array(pictures) };
  for (let item = 0; item < categories.length; item++) {
    out.categories.fill(categories[item]!, starts[item]!, starts[item + 1]!);
    out.splits.fill(splits[item]!, starts[item]!, starts[item + 1]!);
  }
  return { ...out, starts: Int32Array.from({ length: pictures + 1 }, (_, i) => i) };
}

/** Batches never show what is held out. @throws Error that names the first such item. */
export function checkTrained(catalog: BatchCatalog, items: Int32Array): void {
  const held = items.find((item) => !isIn(catalog, item, 'train'));
  if (held !== undefined) throw new Error(`Item ${held} is not in the split train`);
}

/** Different pictures of an item in random order, `most` or as many as there are (Floyd's sampling). */
export function drawPictures(catalog: BatchCatalog, item: number, most: number, random: Random): number[] {
  const count = pictureCount(catalog, item);
  const chosen: number[] = [];
  for (let next = Math.max(0, count - most); next < count; next++) {
    const candidate = random.int(next + 1);
    chosen.push(chosen.includes(candidate) ? next : candidate);
  }
  return chosen.map((picture) => catalog.starts[item]! + picture);
}
