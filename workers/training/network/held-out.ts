import { clusteredError, meanOf } from '@simili/learning/metrics/intervals';
import { outcomesByQuery } from '@simili/learning/metrics/judge';
import { itemsIn } from '@simili/learning/metrics/split';
import { pictureSizeFor } from '@simili/learning/network/shapes';
import { squaredDistance } from '@simili/learning/numbers/distance';
import { makeRandom } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';
import type { Engine } from '../../engines/engine.ts';
import type { Fit } from '../fit.ts';
import { byPictures, identityTriplets, structureTriplets } from '../triplets/of-catalog.ts';
import { extractByNetwork } from './network-feature.ts';

/** Pictures of validation products that a look embeds, and triplets of them: a second of work, two points of precision. */
const MOST_ITEMS = 300;
const TRIPLETS = 2000;
/** Every look asks the same. */
const SEED = 4661;

/** `error`: standard error, for the choice of anchors. */
export type Look = { readonly precision: number; readonly error: number };

/**
 * Similarity precision (paper, section 6.2) of the network on triplets of validation products, which no batch holds.
 * @returns null when they give no triplet.
 */
export function heldOutLook({ set, spec, load }: Fit): ((engine: Engine) => Promise<Look>) | null {
  const random = makeRandom(SEED);
  const items = someItems(set);
  const anyRival = () => random.next();
  const triplets = [
    ...byPictures(structureTriplets(set, items, random, TRIPLETS), set),
    ...identityTriplets(set, items, anyRival, random, TRIPLETS),
  ];
  if (triplets.length === 0) return null;
  const pictures = [...new Set(triplets.flatMap(({ q, p, n }) => [q, p, n]))];
  const rowOf = new Map(pictures.map((picture, row) => [picture, row]));
  const side = pictureSizeFor(spec.inputSize);
  return async (engine) => {
    const rows = await extractByNetwork(engine, spec)(pictures.map((picture) => load(picture, side)));
    const distance = (a: number, b: number) => squaredDistance(rows[rowOf.get(a)!]!, rows[rowOf.get(b)!]!);
    const outcomes = outcomesByQuery(triplets, distance);
    return { precision: meanOf(outcomes.flat()), error: clusteredError(outcomes) };
  };
}

/** Some validation products, in their order, which is that of their ids: the first ones may all be of one category. */
const someItems = (set: Fit['set']): Int32Array =>
  Int32Array.from(shuffled([...itemsIn(set, 'val')], makeRandom(SEED)).slice(0, MOST_ITEMS)).sort();
