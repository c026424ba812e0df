import { tripletOutcome } from '../../src/learning/metrics.ts';
import type { Random } from '../../src/learning/random.ts';
import type { WeightedTriplet } from '../../src/learning/relevance.ts';
import { isIn, itemsIn } from '../../src/learning/split.ts';
import { fitPower, fitWhitening, type Whitening } from '../../src/learning/whitening.ts';
import {
  distanceUnder,
  FEWEST_IDENTITIES,
  type Fitted,
  MOST_IDENTITIES,
  shuffled,
  sideBySide,
  type UnmixedBlock,
  VIEWS,
} from './blocks.ts';
import type { EncodedFeatures } from './encoded-features.ts';
import { itemAt } from './item-at.ts';
import type { Distance } from './mixture.ts';
import type { TrainingSet } from './protocol.ts';

/** Directions that stay of an encoder's vector, and shrinkage of its whitening. */
export const ENCODER = { keep: 128, shrinkage: 0.3, power: -0.25 };
/** Pictures whose main directions are found; more change them little and take long. */
const MOST_SAMPLES = 1000;
/** Fewer held-out triplets do not decide between two maps. */
const FEWEST_TRIPLETS = 50;

/**
 * An encoder's vector as one more block: centred, and whitened within identities where products have several pictures,
 * unless products that did not teach it say otherwise; else its main directions with their variances held back.
 * @param triplets of pictures: another picture of a product beats one of another product.
 */
export function fitEncoderBlock(
  set: TrainingSet,
  features: EncodedFeatures,
  triplets: readonly WeightedTriplet[],
  random: Random,
): Fitted {
  const encoder = set.encoded!.encoder;
  const block = (map: Whitening): UnmixedBlock => ({ feature: encoder.id, encoder, ...map });
  const candidates = [withinIdentities(set, features, random), mainDirectionsOf(set, features, random)]
    .filter((map) => map !== null)
    .map((map) => ({ block: block(map), distance: distanceUnder(block(map), features) }));
  const held = triplets.filter(({ q }) => isIn(set, itemAt(set.starts, q), 'val'));
  if (candidates.length === 1 || held.length < FEWEST_TRIPLETS) return candidates[0]!;
  return candidates.reduce((best, next) => (rightOf(next.distance, held) > rightOf(best.distance, held) ? next : best));
}

const rightOf = (distance: Distance, triplets: readonly WeightedTriplet[]): number =>
  triplets.reduce((sum, { q, p, n }) => sum + tripletOutcome(distance(q, p), distance(q, n)), 0);

/** Of one picture a product. */
function mainDirectionsOf(set: TrainingSet, features: EncodedFeatures, random: Random): Whitening {
  const items = shuffled([...itemsIn(set, 'train')], random).slice(0, MOST_SAMPLES);
  return fitPower(
    sideBySide(items.map((item) => features(set.starts[item]!))),
    set.encoded!.encoder.dimensions,
    ENCODER,
  );
}

/** Null: too few products have two pictures. */
function withinIdentities(set: TrainingSet, features: EncodedFeatures, random: Random): Whitening | null {
  const { starts } = set;
  const several = [...itemsIn(set, 'train')].filter((item) => starts[item + 1]! - starts[item]! > 1);
  if (several.length < FEWEST_IDENTITIES) return null;
  const chosen = shuffled(several, random).slice(0, MOST_IDENTITIES);
  const rows = chosen.flatMap((item) => {
    const pictures = Array.from({ length: starts[item + 1]! - starts[item]! }, (_, i) => starts[item]! + i);
    return shuffled(pictures, random)
      .slice(0, VIEWS)
      .map((picture) => ({ picture, item }));
  });
  const samples = sideBySide(rows.map(({ picture }) => features(picture)));
  const identities = Int32Array.from(rows, ({ item }) => item);
  return fitWhitening(samples, identities, set.encoded!.encoder.dimensions, ENCODER);
}
