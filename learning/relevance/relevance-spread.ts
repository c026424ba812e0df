import { makeRandom } from '../numbers/random.ts';
import { byCategory } from './by-category.ts';
import type { Relevance } from './relevance.ts';

/** Pairs of a category that tell how far its relevance spreads. */
const PAIRS = 200;

export type SpreadOptions = {
  /** Category per item, -1 = none. */
  readonly categories: Int32Array;
  readonly relevance: Relevance;
  /** T_r in standard deviations of the relevance within the category, > 0. */
  readonly deviations: number;
  /** T_r is never below this: what a category of hardly any spread says of order is noise. */
  readonly least: number;
};

/**
 * T_r of eq. 8 by the category of the query. Relevance is on a scale of its own in every category: one of look-alikes has .5
 * throughout, another .03 and a few pairs of .4. A constant asks the first for noise; a difference that is large for its
 * category says something. Of large categories a part of the pairs is looked at, the same each time.
 */
export function gapsBySpread({ categories, relevance, deviations, least }: SpreadOptions): (query: number) => number {
  const members = byCategory({ categories }, categories.keys());
  const known = new Map<number, number>();
  return (query) => {
    const category = categories[query]!;
    const found = known.get(category) ?? Math.max(least, deviations * spread(members.get(category) ?? [], relevance));
    known.set(category, found);
    return found;
  };
}

/** Standard deviation of the relevance of two items of these. */
function spread(items: readonly number[], relevance: Relevance): number {
  const values = pairsOf(items).map(([a, b]) => relevance(a, b));
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** All of them where they are few, else random ones. */
function pairsOf(items: readonly number[]): [number, number][] {
  const n = items.length;
  if ((n * (n - 1)) / 2 <= PAIRS)
    return items.flatMap((a, i) => items.slice(i + 1).map((b): [number, number] => [a, b]));
  const random = makeRandom(items[0]!);
  return Array.from({ length: PAIRS }, () => {
    const a = random.int(n);
    return [items[a]!, items[(a + 1 + random.int(n - 1)) % n]!];
  });
}
