import { squaredDistance } from '@simili/learning/numbers/distance';

/** Places of a page that people mostly see. */
export const FIRST_PLACES = 12;

/**
 * Ranks rows by their distance to one of them, as a version that serves these vectors does.
 * @param rows [products] vectors; undefined: that product has none and stands in no list
 * @returns the nearest FIRST_PLACES rows of an anchor, itself not among them; none where it has no vector
 */
export function nearestOf(rows: readonly (Float32Array | undefined)[]): (anchor: number) => number[] {
  return (anchor) => {
    const own = rows[anchor];
    if (!own) return [];
    const others = rows.flatMap((row, item) =>
      row && item !== anchor ? [{ item, distance: squaredDistance(own, row) }] : [],
    );
    return others
      .sort((a, b) => a.distance - b.distance)
      .slice(0, FIRST_PLACES)
      .map(({ item }) => item);
  };
}
