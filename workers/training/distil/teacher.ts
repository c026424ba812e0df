import type { Random } from '../../../src/learning/random.ts';
import { itemsIn } from '../../../src/learning/split.ts';
import { vectorsUnder } from '../blocks.ts';
import { openEncodedFeatures } from '../encoded-features.ts';
import { fitEncoderBlock } from '../encoder-block.ts';
import { identityTriplets } from '../mixture.ts';
import type { TrainingSet } from '../protocol.ts';

export type Teacher = {
  /** Length of its vectors. */
  readonly dimensions: number;
  /** [dimensions], of unit length; zeros where it saw nothing. */
  readonly vectorOf: (picture: number) => Float32Array;
};

/** What an encoder saw in a set, under the map that a model version would give it. */
export function teacherOf(set: TrainingSet, random: Random): Teacher {
  if (!set.encoded) throw new Error('No encoder looked at these pictures');
  const features = openEncodedFeatures(set.encoded);
  const anyRival = () => random.next();
  const triplets = identityTriplets(set, itemsIn(set, 'val'), anyRival, random);
  const { block } = fitEncoderBlock(set, features, triplets, random);
  return { dimensions: block.projection.length / block.mean.length, vectorOf: vectorsUnder(block, features) };
}
