import type { ChoiceSet } from '../relevance/choice-sets.ts';
import type { Clusters } from './intervals.ts';

/**
 * How far in front an order has what was chosen: of an anchor the mean over its choices p, by their votes c, of
 *
 *   sum over j != p of e_j [D_j > D_p] / sum over j != p of e_j      (ties half)
 *
 * the share of what else shoppers looked at, by exposure, that stands behind p: the area under the ROC curve where negatives are weighed
 * by their exposure. An order that has nothing to do with what shoppers want has .5, wherever what it has in front stood in the list.
 * @param distance D(anchor, item)
 * @returns one value in [0, 1] for each set
 */
export const choicePrecision = (
  sets: readonly ChoiceSet[],
  distance: (anchor: number, item: number) => number,
): Clusters =>
  sets.map(({ anchor, items, chosen, exposure }) => {
    const distances = Float64Array.from(items, (item) => distance(anchor, item));
    let [sum, votes] = [0, 0];
    for (const [p, own] of chosen.entries()) {
      if (own === 0) continue;
      sum += own * shareBehind(p, distances, exposure);
      votes += own;
    }
    return [sum / votes];
  });

function shareBehind(p: number, distances: Float64Array, exposure: Float64Array): number {
  let [behind, all] = [0, 0];
  for (const [j, weight] of exposure.entries()) {
    if (j === p) continue;
    const further = distances[j]! - distances[p]!;
    behind += further > 0 ? weight : further === 0 ? weight / 2 : 0;
    all += weight;
  }
  return behind / all;
}
