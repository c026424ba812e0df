import { SimiliError } from '../errors.ts';

export const DEFAULT_FIRST = 12;
export const MOST_FIRST = 50;

/** @returns the size of a page. @throws SimiliError INVALID_ARGUMENT. */
export function checkedFirst(first: number | null | undefined): number {
  const size = first ?? DEFAULT_FIRST;
  if (Number.isInteger(size) && size >= 1 && size <= MOST_FIRST) return size;
  throw new SimiliError('INVALID_ARGUMENT', {
    argument: 'first',
    why: `must be 1 to ${MOST_FIRST}, not ${size}`,
  });
}

/** @returns 0 to 1; see `diversified`. @throws SimiliError INVALID_ARGUMENT. */
export function checkedDiversity(diversity: number | null | undefined): number {
  const share = diversity ?? 0;
  if (share >= 0 && share <= 1) return share;
  throw new SimiliError('INVALID_ARGUMENT', { argument: 'diversity', why: `must be 0 to 1, not ${share}` });
}

/** @returns the least score of a product that is shown. @throws SimiliError INVALID_ARGUMENT. */
export function checkedScore(minScore: number | null | undefined): number {
  const least = minScore ?? 0;
  if (least >= 0 && least <= 1) return least;
  throw new SimiliError('INVALID_ARGUMENT', { argument: 'minScore', why: `must be 0 to 1, not ${least}` });
}
