import type { ListChanges } from 'simili/internal/db/models';
import { nearestOf } from './nearest.ts';
import type { EvaluationSet } from './set.ts';

/** Lists that are compared: each ranks up to 4,000 products twice. */
const MOST_ANCHORS = 100;
const EXAMPLES = 3;

type Vectors = ReadonlyMap<string, Float32Array>;

/**
 * Compares the first twelve places by a candidate with those by the version that serves, in lists of the first 100 held-out
 * products that both have vectors of. Only products of which both have vectors are ranked: one that arrived since is no change.
 * @param candidate vectors by product id, as of `servedVectors`; so `serving`
 * @returns null: there is no such list
 */
export function listChanges(
  { productIds, groups, queries }: Pick<EvaluationSet, 'productIds' | 'groups' | 'queries'>,
  candidate: Vectors,
  serving: Vectors,
): ListChanges | null {
  const rows = [...productIds.keys()].filter((row) => [candidate, serving].every((of) => of.has(productIds[row]!)));
  const ids = rows.map((row) => productIds[row]!);
  const ofBoth = Int32Array.from(rows, (row) => groups[row]!);
  const heldOut = new Set(Array.from(queries, (row) => productIds[row]!));
  const anchors = ids.flatMap((id, row) => (heldOut.has(id) ? [row] : [])).slice(0, MOST_ANCHORS);
  const [before, after] = [serving, candidate].map((vectors) =>
    nearestOf(
      ids.map((id) => vectors.get(id)!),
      ofBoth,
    ),
  );
  const both = anchors.map((anchor) => [before!(anchor), after!(anchor), anchor] as const);
  // Beside a product of which all others are variants nothing is shown.
  const lists = both.filter(([list]) => list.length > 0).map((own) => compared(...own));
  if (lists.length === 0) return null;
  const changed = lists.filter((list) => list.isChanged).sort((a, b) => b.newShare - a.newShare);
  const named = (rows: readonly number[]) => rows.map((row) => ids[row]!);
  return {
    anchors: lists.length,
    changed: changed.length,
    newShare: lists.reduce((sum, list) => sum + list.newShare, 0) / lists.length,
    examples: changed.slice(0, EXAMPLES).map((list) => ({
      anchorId: ids[list.anchor]!,
      before: named(list.before),
      after: named(list.after),
    })),
  };
}

/** Two lists of the same length, one or more. */
function compared(before: readonly number[], after: readonly number[], anchor: number) {
  const known = new Set(before);
  return {
    anchor,
    before,
    after,
    isChanged: after.some((row, place) => row !== before[place]),
    newShare: after.filter((row) => !known.has(row)).length / after.length,
  };
}
