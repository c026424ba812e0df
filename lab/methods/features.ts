import { handMadeFeatures } from '@simili/learning/features/index';
import { squaredDistance } from '@simili/learning/numbers/distance';
import { makeRandom } from '@simili/learning/numbers/random';
import { siftWords } from '../baselines/bag-of-words.ts';
import type { Baseline, Comparison } from '../baselines/baseline.ts';
import { drawWithout } from '../baselines/descriptor-sample.ts';
import { fisherVector } from '../baselines/fisher.ts';
import { l1HashKpca } from '../baselines/l1-hash-kpca.ts';
import { labHistogram } from '../baselines/lab-histogram.ts';
import { spatialPyramidTexton } from '../baselines/texton.ts';
import { wavelet } from '../baselines/wavelet.ts';
import { type LabelledPictures, picturesIn } from '../questions/labelled.ts';
import { byVectors, type Compared, type Method, type MethodContext } from './method.ts';

/** Pictures that a method without labels learns from: more no longer change what a few dozen words or components are. */
const MOST_FITTED = 2000;

const plain = { kind: 'feature', seeded: false, training: null } as const;

/** A method that knows nothing but pixels. */
const baseline = (name: string, title: string, own: Baseline): Method => ({
  ...plain,
  name,
  title,
  source: own.source,
  async fit(context) {
    const { data } = context;
    const { represent, distance } = fitBaseline(own, context);
    return byVectors(async (pictures) => Array.from(pictures, (picture) => represent(data.load(picture))), distance);
  },
});

/** The same for the same seed, whoever asks. */
export function fitBaseline(baseline: Baseline, { data, seed }: Pick<MethodContext, 'data' | 'seed'>): Comparison {
  const learners = picturesIn(data, 'train', 'val');
  const random = makeRandom(seed);
  const chosen = drawWithout(learners.length, MOST_FITTED, random).map((i) => data.load(learners[i]!));
  return baseline.fit(chosen, random);
}

/** A feature of the served vector, as it is. */
const handMade = (name: 'hog' | 'pixels', title: string, source: string): Omit<Method, 'kind'> => ({
  ...plain,
  name,
  title,
  source,
  fit: async ({ data }) => plainFeature(data, name),
});

const plainFeature = (data: LabelledPictures, name: keyof typeof handMadeFeatures): Compared =>
  byVectors(
    async (pictures) => Array.from(pictures, (picture) => handMadeFeatures[name].extract(data.load(picture))),
    squaredDistance,
  );

/** Controls, which any method must beat. */
export const controls: readonly Method[] = [
  {
    ...plain,
    kind: 'control',
    name: 'random',
    title: 'Random',
    source: 'a random vector for every picture',
    fit: async ({ seed }) =>
      byVectors(async (pictures) => Array.from(pictures, (picture) => randomVector(seed, picture)), squaredDistance),
  },
  {
    ...handMade('pixels', 'Raw 16 x 16 pixels', 'the picture itself, averaged'),
    kind: 'control',
  },
];

function randomVector(seed: number, picture: number): Float32Array {
  const random = makeRandom(seed * 1_000_003 + picture);
  return Float32Array.from({ length: 16 }, () => random.gaussian());
}

/** Paper, table 1, without those that are fitted on triplets. */
export const features: readonly Method[] = [
  baseline('wavelet', 'Wavelet', wavelet),
  baseline('colour', 'Color', labHistogram),
  baseline('sift', 'SIFT-like', siftWords),
  baseline('fisher', 'Fisher', fisherVector),
  {
    ...handMade('hog', 'HOG', 'Dalal and Triggs 2005; square roots in place of block norms (learning/features/hog.ts)'),
    kind: 'feature',
  },
  baseline('texton', 'SPMKtexton1024max', spatialPyramidTexton),
  baseline('l1HashKpca', 'L1HashKPCA', l1HashKpca),
];
