import type { Random } from '../numbers/random.ts';

/** A weighted sample of fixed size of a stream that is seen once. */
export type Reservoir = {
  /** @returns whether the item was kept. Items whose weight is not positive never are. */
  offer(item: number, weight: number, random: Random): boolean;
  /** All entries, in no order. */
  entries(): readonly ReservoirEntry[];
};

/** An offered item; the smallest key is the first to go. */
export type ReservoirEntry = { readonly item: number; readonly weight: number; readonly key: number };

/**
 * The online sampler of the paper, section 5.2 (weighted reservoir of Efraimidis and Spirakis 2006): every item gets the
 * key u^(1/weight), and the `capacity` largest are kept. Keys are logarithms, ln(u) / weight, which order alike and do
 * not underflow for small weights.
 *
 * A uniform draw of what is kept stands for a draw in proportion to weight only while the capacity is far below the number
 * of items offered, about a tenth. Keys stay, so a long stream hardly changes the sample any more: start anew per pass.
 * @param capacity items, >= 1
 * @param entries of an earlier one, to go on with
 */
export function makeReservoir(capacity: number, entries: readonly ReservoirEntry[] = []): Reservoir {
  if (!(Number.isInteger(capacity) && capacity >= 1)) throw new Error(`capacity ${capacity} is no positive integer`);
  if (entries.length > capacity) throw new Error(`${entries.length} entries are more than the capacity ${capacity}`);
  // In the order of the heap, which a copy keeps.
  const heap = [...entries];
  return {
    offer: (item, weight, random) => {
      if (!(weight > 0)) return false;
      // Finite, so that it can be written as JSON.
      const key = Math.max(-Number.MAX_VALUE, Math.log(1 - random.next()) / weight);
      if (heap.length < capacity) {
        heap.push({ item, weight, key });
        siftUp(heap);
        return true;
      }
      if (key <= heap[0]!.key) return false;
      heap[0] = { item, weight, key };
      siftDown(heap);
      return true;
    },
    entries: () => [...heap],
  };
}

/** The smallest key is at the root: children of i at 2i + 1 and 2i + 2. */
function siftUp(heap: ReservoirEntry[]): void {
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >> 1;
    if (heap[parent]!.key <= heap[at]!.key) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function siftDown(heap: ReservoirEntry[]): void {
  for (let at = 0; ; ) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && heap[child]!.key < heap[least]!.key) least = child;
    }
    if (least === at) return;
    swap(heap, at, least);
    at = least;
  }
}

function swap(heap: ReservoirEntry[], i: number, j: number): void {
  const kept = heap[i]!;
  heap[i] = heap[j]!;
  heap[j] = kept;
}
