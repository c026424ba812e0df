import { SimiliError } from '../errors.ts';

/** Page size of a plain list. @throws SimiliError INVALID_ARGUMENT outside 1 to `most`. */
export function atMost(most: number, first: number): number {
  if (first >= 1 && first <= most) return first;
  throw new SimiliError('INVALID_ARGUMENT', {
    argument: 'first',
    why: `must be 1 to ${most}, not ${first}`,
  });
}
