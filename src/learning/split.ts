import { createHash } from 'node:crypto';

/** What an item may be used for: fitting, choosing between fits, or nothing but the final measurement. */
export type Split = 'train' | 'val' | 'test';

/**
 * 70 % train, 10 % val, 20 % test by the id alone: the first 32 bits of its sha-256. Never changes, whatever else is in
 * the catalog, so that no version is measured on what an earlier one learned from.
 */
export function splitOf(id: string): Split {
  const share = createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32;
  if (share < 0.7) return 'train';
  return share < 0.8 ? 'val' : 'test';
}
