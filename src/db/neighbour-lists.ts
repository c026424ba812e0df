import { getHeapStatistics } from 'node:v8';
import { LRUCache } from 'lru-cache';

/** Products of the shorter and longer parts of a list that pages are made of: a page of prepared size, and four more for those that are gone or folded. */
export const PARTS_OF_LIST = [17, 29, 55, 64] as const;
/** Products of a list: its longest part. */
export const LISTED = PARTS_OF_LIST[PARTS_OF_LIST.length - 1]!;

/** A list as far as a page looks, and how near all other products were at best when it was made. */
export type PartOfList = {
  /** All LISTED ids, best first, as the database writes an array. */
  readonly ids: string;
  readonly length: number;
  readonly radius: number;
  /** Transactions that were committed then, a pg_snapshot. */
  readonly snapshot: string;
};

/** Bytes of a kept list beside its text: the places in the map. */
const BESIDE = 150;
/** Age at which a list is made anew, ms: in a database that fell back to an older state, what a snapshot saw may be other rows. */
const LASTS_MS = 3_600_000;
/** Part of the memory that the heap of this process may take. */
const OF_THE_HEAP = 1 / 32;

/**
 * Products that were nearest to those that were asked for last, in the memory of this process: candidates for their next pages, of which the database says
 * how near they are now, and what came since (docs/adr/0043-neighbour-lists.md).
 */
export class NeighbourLists {
  private readonly kept: LRUCache<string, string>;

  /** @param bytes that they may take, about */
  constructor(bytes: number) {
    this.kept = new LRUCache({
      maxSize: bytes,
      ttl: LASTS_MS,
      sizeCalculation: (list, key) => BESIDE + key.length + list.length,
    });
  }

  /** @param part which of PARTS_OF_LIST, by its index */
  of(table: string, productId: string, part: number): PartOfList | null {
    const list = this.kept.get(keyOf(table, productId));
    if (list === undefined) return null;
    const radii = list.indexOf(' ') + 1;
    const ids = list.indexOf(' ', radii) + 1;
    return {
      ids: list.slice(ids),
      length: PARTS_OF_LIST[part]!,
      radius: Number(list.slice(radii + 1, ids - 2).split(',')[part]),
      snapshot: list.slice(0, radii - 1),
    };
  }

  /** @param list what the way 'listing' of a search gave: a snapshot, an array of each part's radius, one of ids */
  keep(table: string, productId: string, list: string): void {
    this.kept.set(keyOf(table, productId), list);
  }

  forget(table: string, productId: string): void {
    this.kept.delete(keyOf(table, productId));
  }
}

/** @param bytes left out: as suits this process; 0: no lists are kept */
export function openNeighbourLists(bytes = getHeapStatistics().heap_size_limit * OF_THE_HEAP): NeighbourLists | null {
  return bytes === 0 ? null : new NeighbourLists(Math.round(bytes));
}

const keyOf = (table: string, productId: string): string => `${table} ${productId}`;
