import { createHash } from 'node:crypto';

/** Use of an item: fitting, choosing between fits, or nothing but the final measurement. */
export type Split = 'train' | 'val' | 'test';
export const splits = ['train', 'val', 'test'] as const satisfies readonly Split[];

/**
 * 70 % train, 10 % val, 20 % test by the id alone: the first 32 bits of its sha-256. Never changes, whatever else is in
 * the catalog, so that no version is measured on what an earlier one learned from.
 */
export function splitOf(id: string): Split {
  const share = drawnOf(id, 0);
  if (share < 0.7) return 'train';
  return share < 0.8 ? 'val' : 'test';
}

/**
 * A number in [0, 1) by the id alone, which knows nothing of its split: the next 32 bits. The products with the smallest ones are a sample of a
 * catalog, and mostly the same one when it has grown; ids themselves often tell the category, or the age.
 */
export const lotOf = (id: string): number => drawnOf(id, 4);

const drawnOf = (id: string, byte: number): number =>
  createHash('sha256').update(id).digest().readUInt32BE(byte) / 2 ** 32;

/** Columns of a catalog: [n] each. */
export type LearningColumns = {
  /** Leaf category by number; -1 where an item has none. */
  readonly categories: Int32Array;
  /** Index in `splits`. */
  readonly splits: Uint8Array;
};

export const isIn = ({ splits: of }: LearningColumns, item: number, split: Split): boolean =>
  splits[of[item]!] === split;

/** Items that are in one of the splits, in order. */
export function itemsIn(columns: LearningColumns, ...wanted: readonly Split[]): Int32Array {
  const codes = new Set(wanted.map((split) => splits.indexOf(split)));
  return Int32Array.from(columns.splits.keys()).filter((item) => codes.has(columns.splits[item]!));
}
