import { looksOf } from './looks.ts';
import { type BaseRate, type Propensity, USUAL } from './relevance.ts';
import { type SeenPair, SeenPairs } from './seen-pairs.ts';

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
  const seen = SeenPairs.from(pairs);
  const sets: ChoiceSet[] = [];
  for (const { anchor, from, to } of seen.anchors()) {
    const [items, chosen, exposure]: [number[], number[], number[]] = [[], [], []];
    for (let pair = from; pair < to; pair++) {
      const cell = looksOf(seen, pair, propensity);
      if (cell.examined <= 0) continue; // lost beacons alone
      items.push(seen.itemOf(pair));
      chosen.push(cell.chosen);
      exposure.push(cell.examined * base(anchor, items.at(-1)!).rate);
    }
    if (items.length < 2 || chosen.every((votes) => votes === 0)) continue;
    sets.push({
      anchor,
      items: Int32Array.from(items),
      chosen: Float64Array.from(chosen),
      exposure: Float64Array.from(exposure),
    });
  }
  return sets;
}

/** Pairs of an anchor and what was chosen beside it. */
export const chosenPairs = (sets: readonly ChoiceSet[]): number =>
  sets.reduce((sum, { chosen }) => sum + chosen.filter((votes) => votes > 0).length, 0);
