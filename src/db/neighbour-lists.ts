import { getHeapStatistics } from 'node:v8';
import { LRUCache } from 'lru-cache';

/** Products of the shorter and longer parts of a list that pages are made of: a page of prepared size, and four more for those that are gone or folded. */
export const PARTS_OF_LIST = [17, 29, 55, 64] as const;
/** Products of a list: one more than its longest part. */
export const LISTED = PARTS_OF_LIST[PARTS_OF_LIST.length - 1]! + 1;

/** Products that were nearest to another one, best first, as an index gave them at some time. */
export type NeighbourList = {
  readonly ids: readonly string[];
  /** What the database ranked these by. */
  readonly l2: readonly number[];
  /** What was committed when they were looked for, a pg_snapshot. */
  readonly snapshot: string;
};
/** The first of a list, and how near all others are at best. */
export type PartOfList = { readonly ids: readonly string[]; readonly radius: number; readonly snapshot: string };

/** No product has it in its id: Postgres stores no text with it. */
const BETWEEN = '\0';
type Kept = { ids: string; radii: number[]; snapshot: string };
/** Bytes of a kept list beside its text: keys, numbers and places in the map. */
const BESIDE = 250;
/** Age at which a list is made anew, ms: in a database that fell back to an older state, what a snapshot saw may be other rows. */
const LASTS_MS = 3_600_000;
/** Products whose last question is remembered, a power of two. */
const ASKED = 2 ** 18;

/**
 * Products nearest to those that were asked for twice, in the memory of this process: candidates for their next pages, of which the database says how near
 * they are now, and what came since (docs/adr/0043-neighbour-lists.md).
 */
export class NeighbourLists {
  private readonly kept: LRUCache<string, Kept>;
  /** A mark of the product that was asked for last, of those that share a place. */
  private readonly asked = new Uint16Array(ASKED);
  private isMaking = false;

  /** @param bytes that they may take, about; at least one list's */
  constructor(bytes: number) {
    this.kept = new LRUCache({
      maxSize: bytes,
      ttl: LASTS_MS,
      sizeCalculation: ({ ids, snapshot }, key) => BESIDE + key.length + ids.length + snapshot.length,
    });
  }

  /** @param part which of PARTS_OF_LIST, by its index */
  of(table: string, productId: string, part: number): PartOfList | null {
    const kept = this.kept.get(keyOf(table, productId));
    if (!kept) return null;
    return {
      ids: kept.ids.split(BETWEEN, PARTS_OF_LIST[part]),
      radius: kept.radii[part]!,
      snapshot: kept.snapshot,
    };
  }

  forget(table: string, productId: string): void {
    this.kept.delete(keyOf(table, productId));
  }

  /**
   * Has a list made behind the answer of a product that was asked for before, one at a time: where many are asked for, the one whose turn it is.
   * @param make null: there is none
   */
  missed(table: string, productId: string, make: () => Promise<NeighbourList | null>): void {
    const key = keyOf(table, productId);
    if (this.kept.has(key)) return; // it was not enough for that page
    const hash = hashOf(key);
    const [place, mark] = [hash % ASKED, (hash >>> 18) + 1];
    if (this.asked[place] !== mark) {
      this.asked[place] = mark;
      return;
    }
    if (this.isMaking) return;
    this.isMaking = true;
    make()
      .then((list) => list && this.kept.set(key, keptOf(list)))
      .catch(() => {}) // its version is gone, or the database: whoever asks for a page is told
      .finally(() => {
        this.isMaking = false;
      });
  }
}

/** Part of the memory that the heap of this process may take. */
const OF_THE_HEAP = 1 / 32;

/** @param bytes left out: as suits this process; 0: no lists are kept */
export function openNeighbourLists(bytes = getHeapStatistics().heap_size_limit * OF_THE_HEAP): NeighbourLists | null {
  return bytes === 0 ? null : new NeighbourLists(Math.round(bytes));
}

const keyOf = (table: string, productId: string): string => `${table} ${productId}`;

const keptOf = ({ ids, l2, snapshot }: NeighbourList): Kept => ({
  ids: ids.slice(0, -1).join(BETWEEN),
  radii: PARTS_OF_LIST.map((length) => l2[length]!),
  snapshot,
});

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
