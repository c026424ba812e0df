import type { EmbeddingRepository } from '../db/embeddings.ts';
import type { RankingVersion } from '../db/search/repository.ts';
import { squaredDistance } from '../db/sql/space-distance.ts';
import { UNRELATED } from '../ports/space.ts';

/** Candidates that an order by diversity chooses from, unless a reranker's own windows are smaller or larger. */
export const MOST_DIVERSE = 100;

/** Likeness of two products of a list, 0 to 1, on the scale of scores. */
export type Alike = (a: string, b: string) => number;

/**
 * Maximal marginal relevance (Carbonell and Goldstein, 1998): each place goes to the candidate with the greatest
 * (1 - d) likeness to the anchor - d greatest likeness to one that stands before it; of equals the one that ranks first.
 * @param found best first
 * @param diversity d: 0 leaves the order as it is, 1 asks for likeness to nothing that was shown
 */
export function diversified<T extends { readonly productId: string; readonly score: number }>(
  found: readonly T[],
  alike: Alike,
  diversity: number,
): T[] {
  const left = found.map((one) => ({ one, nearest: 0 }));
  const order: T[] = [];
  while (left.length > 0) {
    let best = 0;
    const gain = ({ one, nearest }: (typeof left)[number]) => (1 - diversity) * one.score - diversity * nearest;
    for (let i = 1; i < left.length; i++) if (gain(left[i]!) > gain(left[best]!)) best = i;
    const [{ one }] = left.splice(best, 1) as [(typeof left)[number]];
    order.push(one);
    for (const other of left) other.nearest = Math.max(other.nearest, alike(one.productId, other.one.productId));
  }
  return order;
}

/** Likeness within a list as the search has it to the anchor: 1 - D/4, of several spaces by the weighted mean of their squared distances. */
export async function alikeAmong(
  embeddings: Pick<EmbeddingRepository, 'vectors'>,
  { number, spaces }: RankingVersion,
  ids: readonly string[],
): Promise<Alike> {
  const tables = await Promise.all(
    spaces.map(async (space) => ({ space, vectors: await embeddings.vectors(number, ids, space) })),
  );
  const total = spaces.reduce((sum, { weight }) => sum + weight, 0);
  return (a, b) => {
    let mean = 0;
    for (const { space, vectors } of tables) {
      const [one, other] = [vectors.get(a), vectors.get(b)];
      mean += (space.weight / total) * (one && other ? squaredDistance(space, one, other) : UNRELATED);
    }
    return 1 - mean / 4;
  };
}
