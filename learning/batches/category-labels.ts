import { itemsIn, type LearningColumns } from '../metrics/split.ts';

/** Categories that have a proxy: the largest ones. */
const MOST_CLASSES = 2000;

/** Categories as a classifier counts them. */
export type CategoryLabels = {
  /** By item, counted from 0: categories that have two training items; -1: none of them. */
  readonly labels: Int32Array;
  /** 0 where there are no two. */
  readonly classes: number;
};

/** The largest categories of the training items; a category of one of them tells nothing of what its items share. */
export function categoryLabels(columns: LearningColumns): CategoryLabels {
  const { categories } = columns;
  const sizes = new Map<number, number>();
  for (const item of itemsIn(columns, 'train')) {
    const category = categories[item]!;
    if (category >= 0) sizes.set(category, (sizes.get(category) ?? 0) + 1);
  }
  const taught = [...sizes].filter(([, size]) => size > 1).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const numbers = new Map(taught.slice(0, MOST_CLASSES).map(([category], label) => [category, label]));
  const classes = numbers.size < 2 ? 0 : numbers.size;
  return { classes, labels: categories.map((category) => (classes > 0 ? (numbers.get(category) ?? -1) : -1)) };
}
