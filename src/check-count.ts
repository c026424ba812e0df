import { SimiliError } from './errors.ts';

/** @throws SimiliError INVALID_ARGUMENT unless a list that one call brings holds 1 to `most` entries. */
export function checkCount(argument: string, list: readonly unknown[], most: number): void {
  if (list.length >= 1 && list.length <= most) return;
  throw new SimiliError('INVALID_ARGUMENT', { argument, why: `must hold 1 to ${most} entries, not ${list.length}` });
}
