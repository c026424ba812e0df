import type { Random } from '@simili/learning/numbers/random';
import { drawnById } from './drawn-by-id.ts';
import { EXAMINED } from './exposure.ts';

/** A product on the page. `position`: 1-based, over all pages of its list. */
export type Tile = { id: string; position: number };
export type Action = { kind: 'click' | 'addToCart' | 'purchase'; itemId: string };
/** One page as the storefront reports it: tiles that were on the screen, and what was done with them. */
export type Visit = { seen: string[]; actions: Action[] };

/** How a simulated shopper behaves; nothing here is measured on people. */
export type Habits = {
  /** Exponent of the position bias: the tile at position k is looked at with chance k^-eta. */
  eta: number;
  /** Standing (0 to 1) at which a tile that was looked at is clicked every other time. */
  pickiness: number;
  /** Width of the change from never to always, in standing; > 0. */
  softness: number;
  /** Chance that a tile that was looked at is clicked whatever it shows. */
  mistakes: number;
  /** Trust bias, 0 to 1: what is looked at in the first place is clicked with this chance whatever it shows, at place k with a k-th of it. */
  trust: number;
  /** Chance that a popular product (`isPopular`) that was looked at is clicked whatever it stands beside. */
  popularity: number;
  /** Chance that a clicked product goes to the cart. */
  cart: number;
  /** The storefront reports impressions and what is bought: of what would be clicked, with the chance `cart`. */
  purchasesOnly: boolean;
  /** Chance to go on to the second page at least. */
  deeper: number;
};

export const usualHabits: Habits = {
  eta: EXAMINED,
  pickiness: 0.9,
  softness: 0.02,
  mistakes: 0.005,
  trust: 0,
  popularity: 0,
  cart: 0.2,
  purchasesOnly: false,
  deeper: 0.3,
};

const MOST_PAGES = 4;
/** Share of the products that are popular. */
const POPULAR = 0.1;
/** Half of the screens show only the upper part of the last page, at least this many tiles. */
const LEAST_SEEN = 6;

/** How many pages this shopper opens: 1, or with chance `deeper` 2 to 4. */
export const pagesOf = (random: Random, { deeper }: Habits): number =>
  random.next() < deeper ? 2 + random.int(MOST_PAGES - 1) : 1;

/** How many of `shown` tiles come onto the screen. */
export function tilesOnScreen(random: Random, shown: number): number {
  if (shown <= LEAST_SEEN || random.next() < 0.5) return shown;
  return LEAST_SEEN + random.int(shown - LEAST_SEEN + 1);
}

/**
 * One page: every tile is on the screen, the shopper looks at some (position bias) and clicks what is liked among those.
 * @param standing of a product next to the anchor: share of the catalog that is liked less, 0 to 1.
 */
export function visitPage(
  tiles: readonly Tile[],
  standing: (id: string) => number,
  random: Random,
  habits: Habits,
): Visit {
  const actions: Action[] = [];
  for (const { id, position } of tiles) {
    const looked = random.next() < position ** -habits.eta;
    if (!looked || random.next() >= clickChance(standing(id), position, habitsBeside(id, habits))) continue;
    const isTaken = random.next() < habits.cart;
    if (!habits.purchasesOnly) actions.push({ kind: 'click', itemId: id });
    if (isTaken) actions.push({ kind: habits.purchasesOnly ? 'purchase' : 'addToCart', itemId: id });
  }
  return { seen: tiles.map(({ id }) => id), actions };
}

/**
 * Chance that a tile that was looked at is clicked: a logistic step at `pickiness`, never below `mistakes`, `popularity` and what the place alone is
 * trusted (trust bias: Agarwal et al. 2019, WWW, equation 4, for a click on what is not liked).
 * @param position from 1
 */
export function clickChance(
  standing: number,
  position: number,
  { pickiness, softness, mistakes, trust, popularity }: Habits,
): number {
  const liking = 1 / (1 + Math.exp((pickiness - standing) / softness));
  const whatever = 1 - (1 - mistakes) * (1 - trust / position) * (1 - popularity);
  return whatever + (1 - whatever) * liking;
}

/** Is a product one of the tenth that is popular? By its id alone, hence the same in every run. */
export const isPopular = (id: string): boolean => drawnById('popular in simulate', id) < POPULAR;

/** Habits before one product: it is asked whether it is popular where that matters alone. */
const habitsBeside = (id: string, habits: Habits): Habits =>
  habits.popularity === 0 || isPopular(id) ? habits : { ...habits, popularity: 0 };
