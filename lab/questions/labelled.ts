import type { Labels } from '@simili/learning/metrics/labels';
import { type Split, splits } from '@simili/learning/metrics/split';
import { PICTURE_SIZE, type Picture } from '@simili/learning/picture';
import type { Triplet } from '@simili/learning/sampling/triplet-rules';
import { makePictureStore } from '@simili/worker/training/data/picture-store';
import type { TrainingSet } from '@simili/worker/training/protocol';

/** Pictures with labels, decoded: what methods are fitted on and compared with. */
export type LabelledPictures = {
  /** Items are identities; a picture without one is an item of its own. Categories are subgroups where there are any. */
  readonly set: TrainingSet;
  /** By picture, as are all that follow. */
  readonly labels: Labels;
  readonly splits: Uint8Array;
  /** Triplets that people answered, of pictures that may teach; [] where nobody was asked. */
  readonly rated: readonly Triplet[];
  readonly load: (picture: number) => Picture;
};

export type LabelledOptions = Omit<LabelledPictures, 'load'>;

export const labelledPictures = (options: LabelledOptions): LabelledPictures => {
  const store = makePictureStore(options.set);
  return { ...options, load: (picture) => store(picture, PICTURE_SIZE) };
};

export function picturesIn({ splits: of }: Pick<LabelledPictures, 'splits'>, ...wanted: readonly Split[]): Int32Array {
  const codes = new Set(wanted.map((split) => splits.indexOf(split)));
  return Int32Array.from(of.keys()).filter((picture) => codes.has(of[picture]!));
}
