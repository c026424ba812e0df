import { z } from 'zod';
import { pageSize, within } from '../shapes.ts';

export const DEFAULT_FIRST = 12;
export const MOST_FIRST = 50;

const share = within(0, 1)
  .nullish()
  .transform((given) => given ?? 0);

/** Wishes of a list: how many products, from which score on, how unlike each other (`diversified`), whether of one picture all (`distinct`). */
export const PageArguments = z.object({
  first: pageSize(MOST_FIRST, DEFAULT_FIRST),
  minScore: share,
  diversity: share,
  distinctPictures: z
    .boolean()
    .nullish()
    .transform((given) => given ?? false),
});
