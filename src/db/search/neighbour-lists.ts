import { getHeapStatistics } from 'node:v8';
import { LRUCache } from 'lru-cache';
import { BYTES_OF_FLOAT8 } from '../sql/float8-bytes.ts';

/** Products of the shorter and longer parts of a list that pages are made of: a page of prepared size, and four more for those that are gone or folded. */
export const PARTS_OF_LIST = [17, 29, 55, 64] as const;
/** Products of a list: its longest part. */
export const LISTED = PARTS_OF_LIST[PARTS_OF_LIST.length - 1]!;

/** A list as far as a page looks, and how near all other products were at best when it was made. */
export type PartOfList = {
  /** All LISTED ids, best first, as the database writes an array. */
  readonly ids: string;
  /** Their distances then, and that of the next one, as the database sends a float8; of a place without a product: infinite. */
  readonly distances: Buffer;
  readonly length: number;
  readonly radius: number;
  /** Transactions that were committed then, a pg_snapshot. */
  readonly snapshot: string;
};
/** A list by its place: of which catalog's version and product a list is, and of which products (a filter's part that is `filed`; '': all). */
export type ListKey = { readonly table: string; readonly productId: string; readonly filed: string };

/** Bytes of a kept list beside its text: the places in the map. */
const BESIDE = 150;
/** Age at which a list is made anew, ms: in a database that fell back to an older state, what a snapshot saw may be other rows. */
const LASTS_MS = 3_600_000;
/** Part of the memory that the heap of this process may take. */
const OF_THE_HEAP = 1 / 20;

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
  of(key: ListKey, part: number): PartOfList | null {
    const list = this.kept.get(textOf(key));
    if (list === undefined) return null;
    const second = list.indexOf(' ') + 1;
    const third = list.indexOf(' ', second) + 1;
    const distances = Buffer.from(list.slice(second, third - 1), 'base64');
    const length = PARTS_OF_LIST[part]!;
    return {
      ids: list.slice(third),
      distances,
      length,
      radius: distances.readDoubleBE(BYTES_OF_FLOAT8 * length),
      snapshot: list.slice(0, second - 1),
    };
  }

  /** @param list what a search that makes one gave: a snapshot, distances in base64, an array of ids */
  keep(key: ListKey, list: string): void {
    this.kept.set(textOf(key), list);
  }

  forget(key: ListKey): void {
    this.kept.delete(textOf(key));
  }
}

/** @param bytes left out: as suits this process; 0: no lists are kept */
export function openNeighbourLists(bytes = getHeapStatistics().heap_size_limit * OF_THE_HEAP): NeighbourLists | null {
  return bytes === 0 ? null : new NeighbourLists(Math.round(bytes));
}

const textOf = ({ table, productId, filed }: ListKey): string => `${table} ${filed} ${productId}`;
