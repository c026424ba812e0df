import { placeIn } from '../../src/learning/encoder-facts.ts';
import { isHandMade } from '../../src/learning/features/index.ts';
import type { Block } from '../../src/learning/served-model.ts';
import type { EncodedFeatures } from './encoded-features.ts';
import type { HandMadeFeatures } from './hand-made.ts';

/**
 * What a frozen block reads of a picture: a hand-made feature, or what the encoder saw.
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
