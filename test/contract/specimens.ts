import type { Loss, TripletHinge } from '../../learning/losses/loss.ts';
import { initialWeights } from '../../learning/network/initial-weights.ts';
import { describeNetwork, dropoutLayers } from '../../learning/network/shapes.ts';
import type { Layer, NetworkSpec, Weights } from '../../learning/network/spec.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import type { TrainingBatch } from '../../workers/engines/engine.ts';

/** A small network and a batch that every engine is compared on. */
export type Specimen = {
  spec: NetworkSpec;
  weights: Weights;
  batch: TrainingBatch;
  loss: Loss;
  /** Biases that a batch normalisation takes away again: their gradient is 0. */
  idle: readonly string[];
};

/** B triplets, N = 3B pictures. */
export const triplets = 2;
export const pictures = 3 * triplets;

/** Weights as trained ones may be: no bias, mean, scale or variance has its initial value, so that no term goes untested. */
export function weightsFrom(spec: NetworkSpec, seed: number): Weights {
  const random = makeRandom(seed);
  const weights = initialWeights(spec, random);
  for (const [name, { data }] of Object.entries(weights)) {
    if (/\.(bias|mean)$/.test(name)) data.set(Array.from(data, () => 0.2 * random.gaussian()));
    if (name === 'embedding.kernel') data.set(data.map((value) => 4 * value)); // so that the rows differ
    if (/\.(scale|variance)$/.test(name)) data.set(Array.from(data, () => 0.5 + random.next()));
  }
  return weights;
}

/** Noise of another colour and contrast in each picture, so that they lie apart. */
export function picturesFrom({ inputSize }: NetworkSpec, seed: number, n: number): Float32Array {
  const random = makeRandom(seed);
  const length = inputSize ** 2 * 3;
  const values = new Float32Array(n * length);
  for (let i = 0; i < n; i++) {
    const colour = [random.next(), random.next(), random.next()];
    const contrast = random.next();
    for (let j = 0; j < length; j++) {
      values[i * length + j] = contrast * random.next() + (1 - contrast) * colour[j % 3]!;
    }
  }
  return values;
}

/** Pictures, and what else the network reads in training. */
export function batchFrom(spec: NetworkSpec, seed: number, n = pictures): TrainingBatch {
  const random = makeRandom(seed);
  const masks = dropoutLayers(describeNetwork(spec)).map(({ name, length, keep }) => {
    return [name, Float32Array.from({ length: n * length }, () => (random.next() < keep ? 1 / keep : 0))] as const;
  });
  const paths = spec.branches.flatMap((branch) => branch.paths);
  const features = paths.flatMap(({ name, backbone }) => {
    if (!backbone) return [];
    return [[name, Float32Array.from({ length: n * backbone.length }, () => random.gaussian())] as const];
  });
  return {
    pictures: picturesFrom(spec, seed, n),
    ...(masks.length > 0 && { masks: Object.fromEntries(masks) }),
    ...(features.length > 0 && { features: Object.fromEntries(features) }),
  };
}

const conv = (
  name: string,
  kernel: number,
  filters: number,
  more: { stride?: number; padding?: number } = {},
): Layer => ({
  type: 'conv',
  name,
  kernel,
  filters,
  stride: 1,
  ...more,
});
const dense = (name: string, units: number): Layer => ({ type: 'dense', name, units });
const batchNorm = (name: string): Layer => ({ type: 'batchNorm', name });
const dropout = (name: string, keep: number): Layer => ({ type: 'dropout', name, keep });
const relu: Layer = { type: 'relu' };

/** Cases that convolutions and pools easily get wrong: even kernels, strides above 1 and above the kernel, bare paths. */
const strides: NetworkSpec = {
  name: 'strides',
  inputSize: 12,
  branches: [
    {
      paths: [
        {
          name: 'deep',
          subsample: 1,
          layers: [
            { type: 'orientation', bins: 4, pool: 2 },
            conv('first', 3, 3),
            relu,
            conv('strided', 3, 4, { stride: 2 }),
            relu,
            conv('even', 2, 3),
            dense('wide', 6),
            relu,
            dense('last', 5),
          ],
        },
      ],
    },
    {
      paths: [
        { name: 'low', subsample: 2, layers: [conv('conv', 5, 3, { stride: 2 }), relu, { type: 'maxPool', size: 3 }] },
        {
          name: 'sparse',
          subsample: 1,
          layers: [conv('first', 3, 2), { type: 'maxPool', size: 2 }, relu, conv('skipping', 1, 3, { stride: 4 })],
        },
        { name: 'bare', subsample: 4, layers: [] },
      ],
    },
  ],
  embedding: 4,
};

/** As the preset `paper`: padding by number, overlapping pools, response norms, dropout, subsampling with a remainder. */
const alexNet: NetworkSpec = {
  name: 'alexNet',
  inputSize: 15,
  branches: [
    {
      paths: [
        {
          name: 'convNet',
          subsample: 1,
          layers: [
            conv('conv1', 5, 3, { stride: 2, padding: 2 }), // 8
            relu,
            { type: 'localResponseNorm', size: 3, k: 1, alpha: 0.5, beta: 0.75 },
            { type: 'maxPool', size: 3, stride: 2, padding: 'same' }, // 4
            conv('conv2', 3, 4, { padding: 1 }),
            relu,
            { type: 'localResponseNorm', size: 5, k: 2, alpha: 0.1, beta: 0.5 },
            { type: 'maxPool', size: 3, stride: 1 }, // 2
            conv('conv3', 1, 3, { padding: 0 }),
            dense('fc6', 6),
            relu,
            dropout('fc6Dropout', 0.6),
            dense('fc7', 5),
            dropout('fc7Dropout', 0.5),
          ],
        },
      ],
    },
    {
      paths: [
        {
          name: 'low4',
          subsample: 4,
          layers: [conv('conv', 2, 4), relu, { type: 'maxPool', size: 3, stride: 2, padding: 'same' }],
        },
        {
          name: 'low2',
          subsample: 2,
          layers: [
            conv('conv', 4, 3, { stride: 2 }),
            dropout('dropout', 0.75),
            { type: 'maxPool', size: 4, stride: 3, padding: 'same' },
          ],
        },
      ],
    },
  ],
  embedding: 4,
};

/** As the preset `standard`: batch norms of maps and vectors, blocks within blocks, average pools. */
const residual: NetworkSpec = {
  name: 'residual',
  inputSize: 8,
  branches: [
    {
      paths: [
        {
          name: 'trunk',
          subsample: 1,
          layers: [
            conv('conv1', 3, 4),
            batchNorm('norm1'),
            { type: 'maxPool', size: 2 },
            relu,
            {
              type: 'residual',
              layers: [
                conv('conv2', 3, 4),
                batchNorm('norm2'),
                relu,
                { type: 'residual', layers: [conv('inner', 1, 4), relu] },
                conv('conv3', 2, 4),
                batchNorm('norm3'),
              ],
            },
            relu,
            { type: 'averagePool', size: 2 },
            dense('dense', 6),
            batchNorm('norm4'),
            relu,
            { type: 'residual', layers: [dense('last', 6), dropout('dropout', 0.75)] },
          ],
        },
      ],
    },
    { paths: [{ name: 'first', subsample: 2, layers: [batchNorm('norm'), conv('conv', 3, 2, { stride: 3 })] }] },
  ],
  embedding: 4,
};

/** A frozen network in front of one path. */
const headed: NetworkSpec = {
  name: 'headed',
  inputSize: 6,
  branches: [
    {
      paths: [
        {
          name: 'head',
          subsample: 1,
          backbone: { checksum: '', length: 7, mean: [0, 0, 0], deviation: [1, 1, 1], layout: 'NCHW' },
          layers: [batchNorm('norm'), dense('dense', 5), relu],
        },
      ],
    },
    { paths: [{ name: 'low', subsample: 2, layers: [conv('conv', 3, 3)] }] },
  ],
  embedding: 5,
};

/** Rows 0, 1, 2 resemble each other to different degrees, 3 and 4 each other, and 5 nothing. */
const targets = Float32Array.from([
  ...[0, 0.75, 0.25, 0, 0, 0],
  ...[0.5, 0, 0.5, 0, 0, 0],
  ...[0.25, 0.5, 0, 0.25, 0, 0],
  ...[0, 0, 0, 0, 1, 0],
  ...[0, 0, 0, 1, 0, 0],
  ...[0, 0, 0, 0, 0, 0],
]);
/** The same as pairs; 0 and 4 are neither, and row 5 has no positive. */
const pairs = Float32Array.from([
  ...[0, 1, 1, -1, 0, -1],
  ...[1, 0, 1, -1, -1, -1],
  ...[1, 1, 0, -1, -1, -1],
  ...[-1, -1, -1, 0, 1, -1],
  ...[0, -1, -1, 1, 0, -1],
  ...[-1, -1, -1, -1, -1, 0],
]);

/** A teacher's: every row has shares of all others, and a unit vector. */
const taught = targets.map((_, at) => {
  const [i, j] = [Math.floor(at / 6), at % 6];
  return i === j ? 0 : [0.5, 0.25, 0.125, 0.0625, 0.0625][(j - i + 5) % 6]!;
});
const vectors = Float32Array.from({ length: 30 }, (_, at) => [0.8, 0, -0.6, 0, 0][(at + Math.floor(at / 5)) % 5]!);

export const hinge = (...gaps: number[]): TripletHinge => ({ kind: 'tripletHinge', gaps: Float32Array.from(gaps) });
export const losses = {
  tripletHinge: hinge(1.5, 3.5),
  infoNce: { kind: 'infoNce', temperature: 0.25, targets },
  multiSimilarity: { kind: 'multiSimilarity', alpha: 2, beta: 8, base: 0.5, pairs },
  softmax: { kind: 'softmax', labels: Int32Array.of(0, 3, 1, 1, 2, 4) },
  /** For embeddings of length 5. */
  distillation: { kind: 'distillation', temperature: 0.25, targets: taught, vectors, regression: 0.5 },
} satisfies Record<Loss['kind'], Loss>;

/** Categories beside a ranking loss; row 3 has none. */
export const proxies = { labels: Int32Array.of(0, 2, 2, -1, 1, 0), temperature: 0.25, weight: 0.5 };
const categorised: NetworkSpec = { ...headed, name: 'categorised', proxies: 3 };

const specimen = (spec: NetworkSpec, loss: Loss, seed: number, idle: string[] = []): Specimen => ({
  spec,
  loss,
  idle,
  weights: weightsFrom(spec, seed),
  batch: batchFrom(spec, seed + 1),
});

/** Every kind of layer and of loss. */
export const specimens: readonly Specimen[] = [
  specimen(strides, losses.tripletHinge, 19),
  specimen(alexNet, losses.tripletHinge, 7),
  specimen(
    residual,
    losses.infoNce,
    5,
    ['conv1', 'conv2', 'conv3', 'dense'].map((name) => `trunk.${name}.bias`),
  ),
  specimen(headed, losses.tripletHinge, 1),
  specimen(headed, losses.infoNce, 1),
  specimen(headed, losses.multiSimilarity, 1),
  specimen(headed, losses.softmax, 1),
  specimen(headed, losses.distillation, 1),
  specimen(categorised, { ...losses.tripletHinge, proxies }, 1),
  specimen(categorised, { ...losses.infoNce, proxies }, 1),
  specimen(categorised, { ...losses.multiSimilarity, proxies }, 1),
];
