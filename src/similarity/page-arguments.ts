import { z } from 'zod';
import { pageSize, within } from '../shapes.ts';

export const DEFAULT_FIRST = 12;
export const MOST_FIRST = 50;

const share = within(0, 1)
  .nullish()
  .transform((given) => given ?? 0);

/** Numbers of a list: how many products, from which score on, and how unlike each other (`diversified`). */
export const PageArguments = z.object({
  first: pageSize(MOST_FIRST, DEFAULT_FIRST),
  minScore: share,
  diversity: share,
});
