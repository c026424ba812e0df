/** Exponent of the position bias of all simulated shoppers: the tile at place k is looked at with chance k^-EXAMINED. */
export const EXAMINED = 0.7;

/** Sum of the chances to be looked at. @param places from 1, one a list. */
export const exposureOf = (places: readonly number[]): number =>
  places.reduce((sum, place) => sum + place ** -EXAMINED, 0);
