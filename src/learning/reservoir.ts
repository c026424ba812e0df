import type { Random } from './random.ts';

/** Weighted samples of fixed size, one per category, of a stream that is seen once. */
export type Reservoirs<T> = {
  /** @returns whether the item was kept. Items whose weight is not positive never are. */
  offer(category: number, item: T, weight: number): boolean;
  /** Uniform over what is kept of a category, which stands for a draw in proportion to weight; null when empty. */
  draw(category: number): T | null;
  /** What is kept, in no order. */
  items(category: number): T[];
};

/**
 * The online sampler of the paper, section 5.2 (weighted reservoir of Efraimidis and Spirakis 2006): every item gets the
 * key u^(1/weight), and a category keeps the `capacity` largest. Keys are kept as logarithms, ln(u) / weight, which
 * order alike and do not underflow for small weights.
 *
 * Draws are close to proportional to weight only while capacity is far below the number of items offered, about a
 * tenth. Keys stay, so a long stream hardly changes the sample any more: start anew per pass.
 * @param capacity items per category, >= 1
 */
export function makeReservoirs<T>(capacity: number, random: Random): Reservoirs<T> {
  if (!(Number.isInteger(capacity) && capacity >= 1)) throw new Error(`capacity ${capacity} is no positive integer`);
  const heaps = new Map<number, Entry<T>[]>();
  return {
    offer: (category, item, weight) => {
      if (!(weight > 0)) return false;
      const heap = heaps.get(category) ?? [];
      heaps.set(category, heap);
      const entry = { key: Math.log(1 - random.next()) / weight, item };
      if (heap.length < capacity) {
        heap.push(entry);
        siftUp(heap);
        return true;
      }
      if (entry.key <= heap[0]!.key) return false;
      heap[0] = entry;
      siftDown(heap);
      return true;
    },
    draw: (category) => {
      const heap = heaps.get(category);
      return heap ? heap[random.int(heap.length)]!.item : null;
    },
    items: (category) => (heaps.get(category) ?? []).map(({ item }) => item),
  };
}

/** The smallest key is at the root: children of i at 2i + 1 and 2i + 2. */
type Entry<T> = { readonly key: number; readonly item: T };

function siftUp<T>(heap: Entry<T>[]): void {
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >> 1;
    if (heap[parent]!.key <= heap[at]!.key) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function siftDown<T>(heap: Entry<T>[]): void {
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

function swap<T>(heap: Entry<T>[], i: number, j: number): void {
  const kept = heap[i]!;
  heap[i] = heap[j]!;
  heap[j] = kept;
}
