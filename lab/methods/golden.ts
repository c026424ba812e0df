import { itemsIn } from '@simili/learning/metrics/split';
import type { Block } from '@simili/learning/models/served-model';
import { squaredDistance } from '@simili/learning/numbers/distance';
import { makeRandom } from '@simili/learning/numbers/random';
import { PICTURE_SIZE } from '@simili/learning/picture';
import { fuse } from '@simili/learning/whitening/whitening';
import type { EncodedFeatures } from '@simili/worker/training/data/encoded-features';
import { handMadeOf } from '@simili/worker/training/data/hand-made';
import { makePictureStore } from '@simili/worker/training/data/picture-store';
import { sampleViews } from '@simili/worker/training/data/views';
import { frozenFeature } from '@simili/worker/training/features/frozen-feature';
import { fitGolden, type Golden } from '@simili/worker/training/features/golden';
import { mixed } from '@simili/worker/training/fusion/mixture';
import type { LabelledPictures } from '../questions/labelled.ts';
import { byVectors, type Compared, type FrozenContext, fittedOnce, type Method } from './method.ts';

/** The hand-made features of a catalog and what they say of relevance; fitted once for all methods that ask. */
export const goldenOf = fittedOnce<Golden>(async ({ data: { set, rated, load }, seed, signal }) => {
  const random = makeRandom(seed);
  const views = sampleViews(set, makePictureStore(set), random);
  return fitGolden({
    set,
    ratings: rated,
    random,
    views: () => views(PICTURE_SIZE),
    learners: itemsIn(set, 'train', 'val'),
    handMade: handMadeOf(load),
    onFeature: () => signal.throwIfAborted(),
  });
});

/** Whitened features, mixed as the first version of a catalog is: by what people said where they did, else by its structure. */
export async function goldenBlocks(context: FrozenContext): Promise<Block[]> {
  const { fitted, shares } = await goldenOf(context);
  return mixed(fitted, shares);
}

/** Served vectors of frozen blocks. @param encoded what the encoder saw; default: there is none */
export const frozenVectors =
  ({ load }: LabelledPictures, blocks: readonly Block[], encoded: EncodedFeatures | null = null) =>
  async (pictures: Int32Array): Promise<Float32Array[]> =>
    Array.from(pictures, (picture) =>
      fuse(
        blocks,
        blocks.map((block) => frozenFeature(block, picture, handMadeOf(load), encoded)),
      ),
    );

export const goldenAlone = async (context: FrozenContext): Promise<Compared> =>
  byVectors(frozenVectors(context.data, await goldenBlocks(context)), squaredDistance);

export const golden: Method = {
  name: 'golden',
  title: 'Golden features',
  kind: 'feature',
  seeded: false,
  training: null,
  source: 'paper, section 6.1: max-margin mix of feature distances; here of whitened HOG, pixels and colours',
  fit: goldenAlone,
};
