import { pictureCount, picturesOf } from '@simili/learning/batches/catalog';
import { tripletOutcome } from '@simili/learning/metrics/metrics';
import { isIn, itemsIn } from '@simili/learning/metrics/split';
import { type EncoderFacts, encodedFeatures } from '@simili/learning/models/encoder-facts';
import type { Random } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';
import type { WeightedTriplet } from '@simili/learning/relevance/relevance';
import { fitPower, fitWhitening, type Whitening } from '@simili/learning/whitening/whitening';
import type { EncodedFeatures } from '../data/encoded-features.ts';
import { itemAt } from '../data/item-at.ts';
import { MOST_IDENTITIES, VIEWS } from '../data/views.ts';
import type { Distance, Fitted } from '../fusion/mixture.ts';
import type { TrainingSet } from '../protocol.ts';
import { distanceUnder, FEWEST_IDENTITIES, HAND_MADE, MOST_NUMBERS, sideBySide } from './blocks.ts';
import { fitAnew, type MapOf } from './known-maps.ts';

/** Shrinkage of the whitening of an encoder's vector, and the power that holds its variances back. */
const MAP = { shrinkage: 0.3, power: -0.25 };
/** Directions of a part, beyond which more tell nothing. */
const MOST_DIRECTIONS = 128;
const LEFT = Object.values(HAND_MADE).reduce((left, { keep }) => left - keep, MOST_NUMBERS);
/** Pictures whose main directions are found; more change them little and take long. */
const MOST_SAMPLES = 1000;
/** Fewer held-out triplets do not decide between two maps. */
const FEWEST_TRIPLETS = 50;

/** Directions that stay of each part of an encoder's vector: all have as many of what the hand-made features leave. */
export const directionsOfPart = ({ parts }: Pick<EncoderFacts, 'parts'>): number =>
  Math.min(MOST_DIRECTIONS, Math.floor(LEFT / (parts?.length ?? 1)));

/**
 * One more block of each part of an encoder's vector: centred, and whitened within identities where products have several
 * pictures, unless products that did not teach it say otherwise; else its main directions with their variances held back.
 * @param triplets of pictures: another picture of a product beats one of another product.
 * @param mapOf maps by their names; left out: all are fitted
 */
export function fitEncoderBlocks(
  set: TrainingSet,
  features: EncodedFeatures,
  triplets: readonly WeightedTriplet[],
  random: Random,
  mapOf: MapOf = fitAnew,
): Fitted[] {
  const { encoder } = set.encoded!;
  const held = triplets.filter(({ q }) => isIn(set, itemAt(set.starts, q), 'val'));
  const [several, all] = [withinIdentities(set, random), firstPictures(set, random)];
  const options = { ...MAP, keep: directionsOfPart(encoder) };
  return encodedFeatures(encoder).map((place): Fitted => {
    const read = (picture: number) => features(picture, place);
    const fitted = (map: Whitening): Fitted => {
      const block = { feature: place.feature, encoder, ...map };
      return { block, distance: distanceUnder(block, read) };
    };
    const ofPart = (kind: string, fit: () => Whitening) => mapOf(`${place.feature} by ${kind}`, fit);
    const candidates = [
      ...(several ? [fitted(ofPart('identities', () => whitened(several, read, place.length, options)))] : []),
      fitted(ofPart('power', () => fitPower(sideBySide(all.map(read)), place.length, options))),
    ];
    if (candidates.length === 1 || held.length < FEWEST_TRIPLETS) return candidates[0]!;
    return candidates.reduce((best, next) =>
      rightOf(next.distance, held) > rightOf(best.distance, held) ? next : best,
    );
  });
}

const rightOf = (distance: Distance, triplets: readonly WeightedTriplet[]): number =>
  triplets.reduce((sum, { q, p, n }) => sum + tripletOutcome(distance(q, p), distance(q, n)), 0);

/** One picture a product. */
const firstPictures = (set: TrainingSet, random: Random): number[] =>
  shuffled([...itemsIn(set, 'train')], random)
    .slice(0, MOST_SAMPLES)
    .map((item) => set.starts[item]!);

type Views = readonly { readonly picture: number; readonly item: number }[];

/** Pictures of products that have several. Null: too few have. */
function withinIdentities(set: TrainingSet, random: Random): Views | null {
  const several = [...itemsIn(set, 'train')].filter((item) => pictureCount(set, item) > 1);
  if (several.length < FEWEST_IDENTITIES) return null;
  const chosen = shuffled(several, random).slice(0, MOST_IDENTITIES);
  return chosen.flatMap((item) =>
    shuffled(picturesOf(set, [item]), random)
      .slice(0, VIEWS)
      .map((picture) => ({ picture, item })),
  );
}

function whitened(
  views: Views,
  read: (picture: number) => Float32Array,
  d: number,
  options: { keep: number; shrinkage: number },
): Whitening {
  const samples = sideBySide(views.map(({ picture }) => read(picture)));
  const identities = Int32Array.from(views, ({ item }) => item);
  return fitWhitening(samples, identities, d, options);
}
