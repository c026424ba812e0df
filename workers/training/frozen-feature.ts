import { handMadeFeatures, isHandMade } from '../../src/learning/features/index.ts';
import type { Block, Picture } from '../../src/learning/served-model.ts';
import type { EncodedFeatures } from './encoded-features.ts';

/**
 * What a frozen block reads of a picture: a hand-made feature of its pixels, or what the encoder saw.
 * @param load pixels at PICTURE_SIZE
 * @param encoded null: no encoder looked
 */
export function frozenFeature(
  { feature }: Pick<Block, 'feature'>,
  picture: number,
  load: (picture: number) => Picture,
  encoded: EncodedFeatures | null,
): Float32Array {
  if (isHandMade(feature)) return handMadeFeatures[feature].extract(load(picture));
  if (!encoded) throw new Error(`Nothing is known of the feature ${feature}`);
  return encoded(picture);
}
