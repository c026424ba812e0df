import { type BaseRate, type Propensity, type SeenPair, USUAL } from './relevance.ts';

/** All that shoppers saw beside one anchor, and what they chose of it. Columns: [items]. */
export type ChoiceSet = {
  readonly anchor: number;
  readonly items: Int32Array;
  /** c >= 0: votes, which may be fractions. */
  readonly chosen: Float64Array;
  /** e > 0: examined impressions, sum of n_k theta_k over positions and placements, times the item's base rate. */
  readonly exposure: Float64Array;
};

/**
 * Choice sets by anchor: an item has choices in proportion to its exposure and to how well it goes with the anchor. Sets in which nothing
 * was chosen, or nothing else seen, say nothing of preferences and are left out.
 * @param base pi of an item beside an anchor (base-rate.ts)
 */
export function choiceSets(
  pairs: Iterable<SeenPair>,
  propensity: Propensity,
  base: (anchor: number, item: number) => BaseRate = () => USUAL,
): ChoiceSet[] {
  const byAnchor = new Map<number, Map<number, { chosen: number; examined: number }>>();
  for (const { anchor, item, position, placement, impressions, clicks } of pairs) {
    if (impressions <= 0) continue; // a lost beacon
    const own = byAnchor.get(anchor) ?? new Map<number, { chosen: number; examined: number }>();
    byAnchor.set(anchor, own);
    const cell = own.get(item) ?? { chosen: 0, examined: 0 };
    own.set(item, cell);
    cell.chosen += clicks;
    cell.examined += impressions * propensity(position, placement);
  }
  return [...byAnchor]
    .sort(([a], [b]) => a - b)
    .flatMap(([anchor, own]) => {
      const cells = [...own].sort(([a], [b]) => a - b);
      const chosen = Float64Array.from(cells, ([, cell]) => cell.chosen);
      if (cells.length < 2 || chosen.every((votes) => votes === 0)) return [];
      const exposure = Float64Array.from(cells, ([item, { examined }]) => examined * base(anchor, item).rate);
      return [{ anchor, items: Int32Array.from(cells, ([item]) => item), chosen, exposure }];
    });
}

/** Pairs of an anchor and what was chosen beside it. */
export const chosenPairs = (sets: readonly ChoiceSet[]): number =>
  sets.reduce((sum, { chosen }) => sum + chosen.filter((votes) => votes > 0).length, 0);
