import { LRUCache } from 'lru-cache';
import { remembered, sparingly } from '../remembered.ts';

/** Versions whose counts are remembered: those that have vectors are a handful. */
const REMEMBERED = 20;

/**
 * Numbers of products with a vector, by the number of a version: counting reads the table's whole index, and pages that show versions ask every few seconds.
 * @param count as `EmbeddingRepository.count`
 */
export function embeddedCounts(
  count: (version: number) => Promise<number>,
  clock: () => number,
): (version: number) => Promise<number> {
  const counts = new LRUCache<number, () => Promise<number>>({ max: REMEMBERED });
  return (version) => {
    const known = counts.get(version) ?? remembered(() => count(version), sparingly, clock);
    counts.set(version, known);
    return known();
  };
}
