import { isHandMade } from '@simili/learning/features/index';
import { placeIn } from '@simili/learning/models/encoder-facts';
import type { Block } from '@simili/learning/models/served-model';
import type { EncodedFeatures } from '../data/encoded-features.ts';
import type { HandMadeFeatures } from '../data/hand-made.ts';

/**
 * Input of a frozen block, [d]: a hand-made feature of a picture, or a part of the encoder's vector.
 * @param encoded null: no encoder looked
 */
export function frozenFeature(
  { feature, encoder }: Pick<Block, 'feature' | 'encoder'>,
  picture: number,
  handMade: HandMadeFeatures,
  encoded: EncodedFeatures | null,
): Float32Array {
  if (isHandMade(feature)) return handMade(feature, picture);
  if (!encoded || !encoder) throw new Error(`Nothing is known of the feature ${feature}`);
  return encoded(picture, placeIn(encoder, feature));
}
