import type { Random } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';
import { SimiliError } from 'simili/internal/errors';
import { readFeatures, readProducts } from './catalog.ts';
import type { Ask } from './client.ts';
import { isHeldOut } from './held-out.ts';
import type { Simulation, Surroundings } from './options.ts';
import { type Rankings, readRankings } from './ranking.ts';
import type { ProductFilter } from './session.ts';
import { makeTaste, parseWeights, type Taste, weightsOfSeasons } from './taste.ts';

/** `filter`: keeps what is held out from shoppers; `measurable`: what is held out and has a picture that could be read; `anchors`: some of these. */
export type Scene = {
  shown: string[];
  filter: ProductFilter;
  measurable: Set<string>;
  anchors: string[];
  /** One a season. */
  tastes: Taste[];
};

/** More are kept back by the shoppers themselves. */
const MOST_EXCLUDED = 200;
const LEAST_PRODUCTS = 20;

/** Reads the catalog and its pictures, and decides who sees what. @throws SimiliError CATALOG_TOO_SMALL, INVALID_ARGUMENT. */
export async function setUp(
  ask: Ask,
  { url, taste, seasons, heldOut: share, anchors: most }: Simulation,
  random: Random,
  { say, progress }: Surroundings,
): Promise<Scene> {
  const weights = weightsOfSeasons(parseWeights(taste), seasons);
  const products = await readProducts(ask, () => {});
  say(`Catalog: ${products.length} products at ${url}`);
  const bar = progress('pictures', products.length);
  const features = await readFeatures(products, url, bar.update);
  bar.stop();
  if (features.size < products.length)
    say(`  ${products.length - features.size} without a picture that can be read: left out`);
  if (features.size < LEAST_PRODUCTS)
    throw new SimiliError('CATALOG_TOO_SMALL', { have: features.size, need: LEAST_PRODUCTS });

  const ids = [...features.keys()];
  const heldOut = products.map(({ id }) => id).filter((id) => isHeldOut(id, share));
  const measurable = ids.filter((id) => isHeldOut(id, share));
  const shown = ids.filter((id) => !isHeldOut(id, share));
  if (measurable.length < 3 || shown.length < 3) {
    throw new SimiliError('INVALID_ARGUMENT', {
      argument: '--held-out',
      why: `leaves ${measurable.length} products to measure on and ${shown.length} to shop among: each needs 3`,
    });
  }
  say(`  ${measurable.length} held out: no shopper sees them; the rest is shopped among`);
  return {
    shown,
    filter: heldOut.length <= MOST_EXCLUDED ? { excludeIds: heldOut } : null,
    measurable: new Set(measurable),
    anchors: shuffled(measurable, random).slice(0, most),
    tastes: weights.map((own) => makeTaste(features, own, random)),
  };
}

/** The lists of all anchors as they are now. */
export async function look(
  ask: Ask,
  url: string,
  { anchors, measurable }: Scene,
  when: string,
  { progress }: Surroundings,
): Promise<Rankings> {
  const bar = progress(`measuring ${when}`, anchors.length);
  const rankings = await readRankings(ask, url, anchors, measurable, bar.update);
  bar.stop();
  return rankings;
}
