import { itemsIn } from '@simili/learning/metrics/split';
import { servedLength } from '@simili/learning/models/artefact';
import { placeIn } from '@simili/learning/models/encoder-facts';
import type { Random } from '@simili/learning/numbers/random';
import { fuse } from '@simili/learning/whitening/whitening';
import { openEncodedFeatures } from '../data/encoded-features.ts';
import { remembered } from '../features/blocks.ts';
import { fitEncoderBlocks } from '../features/encoder-block.ts';
import { evenly, mixed } from '../fusion/mixture.ts';
import type { TrainingSet } from '../protocol.ts';
import { identityTriplets } from '../triplets/of-catalog.ts';

export type Teacher = {
  /** Length of its vectors. */
  readonly dimensions: number;
  /** [dimensions], of unit length; zeros where it saw nothing. */
  readonly vectorOf: (picture: number) => Float32Array;
};

/** An encoder's vectors of a set, its parts under the maps that a model version would give them, each with the same share. */
export function teacherOf(set: TrainingSet, random: Random): Teacher {
  if (!set.encoded) throw new Error('No encoder looked at these pictures');
  const features = openEncodedFeatures(set.encoded);
  const anyRival = () => random.next();
  const triplets = identityTriplets(set, itemsIn(set, 'val'), anyRival, random);
  const fitted = fitEncoderBlocks(set, features, triplets, random);
  const blocks = mixed(fitted, evenly(fitted.length, 1));
  return {
    dimensions: servedLength({ blocks }),
    vectorOf: remembered((picture) =>
      fuse(
        blocks,
        blocks.map(({ feature, encoder }) => features(picture, placeIn(encoder!, feature))),
      ),
    ),
  };
}
