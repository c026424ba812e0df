import type { Propensity } from './relevance.ts';
import type { SeenPairs } from './seen-pairs.ts';

/** Looks at a pair: what was `chosen`, c >= 0, and how often it was `examined`, e = sum n_k theta_k. Lost beacons are left out; e is 0 where there is nothing else. */
export function looksOf(seen: SeenPairs, pair: number, propensity: Propensity): { chosen: number; examined: number } {
  const { positions, impressions, clicks } = seen.columns;
  const looks = { chosen: 0, examined: 0 };
  for (let row = seen.starts[pair]!; row < seen.starts[pair + 1]!; row++) {
    if (impressions[row]! <= 0) continue; // a lost beacon
    looks.chosen += clicks[row]!;
    looks.examined += impressions[row]! * propensity(positions[row]!, seen.placementOf(row));
  }
  return looks;
}
