import { oneOfGroup } from '@simili/learning/metrics/one-of-group';
import { squaredDistance } from '@simili/learning/numbers/distance';

/** Places of a page that people mostly see. */
export const FIRST_PLACES = 12;

/**
 * Ranks rows by their distance to one of them, as a version that serves these vectors does: of a group the nearest (ADR 18), of
 * equals the one with the lower id.
 * @param rows [products] vectors, by id; undefined: that product has none and stands in no list
 * @param groups [products] group by number; -1: none
 * @returns the nearest FIRST_PLACES rows of an anchor, itself and its variants not among them; none where it has no vector
 */
export function nearestOf(
  rows: readonly (Float32Array | undefined)[],
  groups: Int32Array,
): (anchor: number) => number[] {
  return (anchor) => {
    const own = rows[anchor];
    if (!own) return [];
    const others = rows.flatMap((row, item) =>
      row && item !== anchor ? [{ item, distance: squaredDistance(own, row) }] : [],
    );
    const ranking = others.sort((a, b) => a.distance - b.distance).map(({ item }) => item);
    return oneOfGroup(ranking, (item) => groups[item]!, groups[anchor]!, FIRST_PLACES);
  };
}
