/**
 * Exploration of a list, to find out how far shoppers look: the share of lists that explore, and which of two neighbours stand the other way
 * round. It travels in the signed list, so that the chance of every place is known for every list.
 */
export type Exploration = {
  /** Share of lists that explore, 0 to `MOST_EXPLORING`. */
  readonly share: number;
  /** Place (1-based, over all pages) of the first of the two that were exchanged; 0: all stand where the model ranked them. */
  readonly swapped: number;
};

export const MOST_EXPLORING = 0.2;
/** The usual share of lists that explore: three in a hundred. */
export const EXPLORING = 0.03;
export const NOT_EXPLORING: Exploration = { share: 0, swapped: 0 };

/** The places of one page: the first one and how many there are. */
export type Places = { readonly first: number; readonly count: number };

/** One number in [0, 1) decides whether a list explores, and where: the same number decides the same again. */
export function explore(share: number, places: Places, draw: number): Exploration {
  if (share <= 0 || places.count < 2) return NOT_EXPLORING;
  if (draw >= share) return { share, swapped: 0 };
  let left = draw / share;
  for (let place = places.first; place < lastPair(places); place++) {
    left -= chanceOfPair(place, places);
    if (left < 0) return { share, swapped: place };
  }
  return { share, swapped: lastPair(places) };
}

/** The list as it is shown: @returns a copy, in the order of the places. */
export function inPlaces<T>(ranked: readonly T[], { first }: Pick<Places, 'first'>, { swapped }: Exploration): T[] {
  const shown = [...ranked];
  const at = swapped - first;
  const [before, after] = [shown[at], shown[at + 1]];
  if (swapped > 0 && before !== undefined && after !== undefined) shown.splice(at, 2, after, before);
  return shown;
}

/**
 * Propensity of a place: the chance, before the draw, that the product which the model ranked at `rank` is shown at `place` (both
 * 1-based, over all pages). 0 beyond the neighbours; the chances of a rank over all places sum to 1.
 */
export function propensityOf(rank: number, place: number, places: Places, { share }: Exploration): number {
  const isPair = (upper: number) => upper >= places.first && upper <= lastPair(places);
  const swapOf = (upper: number) => (isPair(upper) ? share * chanceOfPair(upper, places) : 0);
  if (place === rank) return 1 - swapOf(rank - 1) - swapOf(rank);
  if (place === rank - 1) return swapOf(place);
  return place === rank + 1 ? swapOf(rank) : 0;
}

const lastPair = ({ first, count }: Places): number => first + count - 2;

/**
 * Chance of a pair among the lists that explore, as 1 / place^2: what a click there tells of the exponent of examination grows with
 * (log (k + 1) / k)^2, about 1 / k^2. All pairs alike know the exponent half as well from the same lists (docs/feedback.md).
 */
function chanceOfPair(place: number, places: Places): number {
  let sum = 0;
  for (let upper = places.first; upper <= lastPair(places); upper++) sum += 1 / upper ** 2;
  return 1 / place ** 2 / sum;
}
