import type { Random } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';
import { SimiliError } from 'simili/internal/errors';
import type { Ask } from './client.ts';
import { concurrently } from './concurrently.ts';
import { exposureOf } from './exposure.ts';
import { PAGE, type ProductFilter, readPage, tilesOf } from './session.ts';

/** A farm: the product that it pushes, and where. `anchors`: products on whose first page the pushed one stands; `near`: those that are looked at, the nearest to it. */
export type Farm = { pushed: string; near: string[]; anchors: string[] };
/** A shop as a farm sees it. */
type Market = { ask: Ask; filter: ProductFilter; shown: readonly string[] };

const NEAR = 48;
/** As many as somebody of the farm pushes it beside at least. */
const FEWEST_ANCHORS = 5;
const MOST_TRIED = 20;
const AT_ONCE = 6;

/**
 * Finds a product to push, and where.
 * @param named null: the first one, by chance, that stands on five pages or more
 * @throws SimiliError INVALID_ARGUMENT: no shopper may see the product that is named, or none stands on enough pages.
 */
export async function openFarm(market: Market, named: string | null, random: Random): Promise<Farm> {
  if (named !== null && !market.shown.includes(named))
    throw refused(`names ${JSON.stringify(named)}, which no shopper is shown`);
  const candidates = named === null ? shuffled(market.shown, random).slice(0, MOST_TRIED) : [named];
  for (const pushed of candidates) {
    const farm = await scout(market, { pushed, near: await nearest(market, pushed), anchors: [] });
    if (farm.anchors.length >= FEWEST_ANCHORS) return farm;
  }
  throw refused(`needs a product that stands on the first page of ${FEWEST_ANCHORS} others`);
}

/** The same farm, with the pages that the product stands on by now. */
export async function scout(market: Market, farm: Farm): Promise<Farm> {
  const places = await placesOf(market, farm);
  return { ...farm, anchors: farm.near.filter((_, i) => places[i]! <= PAGE) };
}

/** How much the pushed product is seen in the first fifty places of the lists of those nearest to it: the sum of their chances to be looked at. */
export async function exposureIn(market: Market, farm: Farm): Promise<number> {
  return exposureOf((await placesOf(market, farm)).filter(Number.isFinite));
}

const refused = (why: string) => new SimiliError('INVALID_ARGUMENT', { argument: '--push', why });

async function nearest({ ask, filter, shown }: Market, pushed: string): Promise<string[]> {
  const visible = new Set(shown);
  const page = await readPage(ask, { id: pushed, after: null, filter, first: NEAR });
  return page ? tilesOf(page).flatMap(({ id }) => (visible.has(id) ? [id] : [])) : [];
}

/** The place of the pushed product in each list, from 1; infinite where it is beyond the fiftieth. */
function placesOf({ ask, filter }: Market, { near, pushed }: Farm): Promise<number[]> {
  const placeIn = async (id: string) => {
    const page = await readPage(ask, { id, after: null, filter, first: 50 });
    return (page ? tilesOf(page) : []).find((tile) => tile.id === pushed)?.position ?? Number.POSITIVE_INFINITY;
  };
  return concurrently(near, AT_ONCE, placeIn, () => {});
}
