import { createHash } from 'node:crypto';

/** Use of an item: fitting, choosing between fits, or nothing but the final measurement. */
export type Split = 'train' | 'val' | 'test';
export const splits = ['train', 'val', 'test'] as const satisfies readonly Split[];

/**
 * 70 % train, 10 % val, 20 % test by the id alone: the first 32 bits of its sha-256. Never changes, whatever else is in
 * the catalog, so that no version is measured on what an earlier one learned from.
 */
export const splitOf = (id: string): Split => splitIn(drawOf(id));

/**
 * A number in [0, 1) by the id alone, which knows nothing of its split: the next 32 bits. The products with the smallest ones are a sample of a
 * catalog, and mostly the same one when it has grown; ids themselves often tell the category, or the age.
 */
export const lotOf = (id: string): number => lotIn(drawOf(id));

/** Split and lot of an id, which is hashed once. */
export function placeOf(id: string): { split: Split; lot: number } {
  const drawn = drawOf(id);
  return { split: splitIn(drawn), lot: lotIn(drawn) };
}

const drawOf = (id: string): Buffer => createHash('sha256').update(id).digest();
const lotIn = (drawn: Buffer): number => drawn.readUInt32BE(4) / 2 ** 32;

function splitIn(drawn: Buffer): Split {
  const share = drawn.readUInt32BE(0) / 2 ** 32;
  if (share < 0.7) return 'train';
  return share < 0.8 ? 'val' : 'test';
}

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
