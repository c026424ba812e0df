import type { IndexedSpace } from '../../ports/space.ts';
import { ALL_RANKED } from '../search/category.ts';
import type { Ask } from '../sql/ask.ts';
import { measureCandidates } from './measured-candidates.ts';

/** Products of a category up to which all are ranked where its index finds too little: 35 ms of 100,000, for which 1,000 candidates take 12 to 24. */
const MOST_RANKED = 125_000;

/** A category among the copies of one space: their tables, its number, and how many products it has. */
export type CategoryCopies = {
  readonly vectors: string;
  readonly copies: string;
  readonly space: IndexedSpace;
  readonly number: number;
  readonly products: number;
};

/**
 * How many candidates a search by the index of one category takes.
 * @param efforts as of `measureCandidates`
 * @returns one of them; ALL_RANKED where none finds enough and the products are no more than MOST_RANKED
 * @throws as `measureCandidates`
 */
export async function candidatesWithin(
  ask: Ask,
  { vectors, copies, space, number, products }: CategoryCopies,
  signal: AbortSignal | undefined,
  efforts?: readonly number[],
): Promise<number> {
  const indexed = { vectors, table: copies, only: `e.category = ${number}`, space };
  const { candidates, isEnough } = await measureCandidates(ask, indexed, signal, efforts);
  return isEnough || products > MOST_RANKED ? candidates : ALL_RANKED;
}
