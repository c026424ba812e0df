import { GOLDEN, goldenPlace } from '@simili/learning/features/golden';
import { type HandMade, handMadeFeatures } from '@simili/learning/features/index';
import { fromHalf } from '@simili/learning/numbers/half';
import type { Picture } from '@simili/learning/picture';
import type { TrainingSet } from '../protocol.ts';
import { openStoredBits } from './encoded-features.ts';

/** A hand-made feature of a picture of the set. */
export type HandMadeFeatures = (feature: HandMade, picture: number) => Float32Array;

/** Taken of the pixels. @param load pixels at PICTURE_SIZE */
export const handMadeOf =
  (load: (picture: number) => Picture): HandMadeFeatures =>
  (feature, picture) =>
    handMadeFeatures[feature].extract(load(picture));

/** As they are stored, else taken of the pixels. */
export function openHandMade(
  { golden }: Pick<TrainingSet, 'golden'>,
  load: (picture: number) => Picture,
): HandMadeFeatures {
  if (golden === undefined) return handMadeOf(load);
  const bitsOf = openStoredBits(golden, GOLDEN.dimensions);
  return (feature, picture) => fromHalf(bitsOf(picture, goldenPlace(feature)));
}
