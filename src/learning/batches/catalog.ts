import type { Random } from '../random.ts';
import { isIn, type LearningColumns } from '../split.ts';

/** The items and their pictures, as batches need them: columns of n items, as in a training set. */
export type BatchCatalog = LearningColumns & {
  /** [n + 1]: pictures of item i are starts[i] to starts[i + 1] - 1, at least one; the first is the compared one. */
  readonly starts: Int32Array;
};

export const pictureCount = ({ starts }: BatchCatalog, item: number): number => starts[item + 1]! - starts[item]!;

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
