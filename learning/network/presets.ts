import { describeNetwork } from './shapes.ts';
import type { Layer, NetworkSpec, Path } from './spec.ts';

/** 3x3 convolution, halved, normed, rectified. Halving comes first: what follows then does a quarter of its work. */
const block = (name: string, filters: number): readonly Layer[] => [
  { type: 'conv', name, kernel: 3, stride: 1, filters },
  { type: 'maxPool', size: 2 },
  { type: 'batchNorm', name: `${name}Norm` },
  { type: 'relu' },
];

/** Two normed convolutions beside a shortcut (He et al. 2016). */
const residualBlock = (name: string, filters: number): readonly Layer[] => [
  {
    type: 'residual',
    layers: [
      { type: 'conv', name: `${name}a`, kernel: 3, stride: 1, filters },
      { type: 'batchNorm', name: `${name}aNorm` },
      { type: 'relu' },
      { type: 'conv', name: `${name}b`, kernel: 3, stride: 1, filters },
      { type: 'batchNorm', name: `${name}bNorm` },
    ],
  },
  { type: 'relu' },
];

/** A shallow low-resolution path (paper, fig. 3): one convolution keeps appearance and place, with little invariance. */
const lowRes = (subsample: number, kernel: number, stride: number): Path => ({
  name: `lowRes${subsample}`,
  subsample,
  layers: [{ type: 'conv', name: 'conv', kernel, stride, filters: 32 }, { type: 'relu' }, { type: 'maxPool', size: 2 }],
});

const trunk = (blocks: readonly (readonly Layer[])[], units: number): Path => ({
  name: 'trunk',
  subsample: 1,
  layers: [
    { type: 'orientation', bins: 9, pool: 2 },
    ...blocks.flat(),
    { type: 'dense', name: 'dense', units },
    { type: 'batchNorm', name: 'denseNorm' },
    { type: 'relu' },
  ],
});

/** Krizhevsky et al. 2012, section 3.3. */
const responseNorm: Layer = { type: 'localResponseNorm', size: 5, k: 2, alpha: 1e-4, beta: 0.75 };
const overlappingPool: Layer = { type: 'maxPool', size: 3, stride: 2 };
/** Paper, section 4: keep probability 0.6 on the fully connected layers (of hidden units). */
const hidden = (name: string): readonly Layer[] => [
  { type: 'dense', name, units: 4096 },
  { type: 'relu' },
  { type: 'dropout', name: `${name}Dropout`, keep: 0.6 },
];

/** Path A (fig. 3): the ConvNet of Krizhevsky et al. 2012 up to its last hidden layer, without its split over two GPUs. */
const alexNet: Path = {
  name: 'convNet',
  subsample: 1,
  layers: [
    { type: 'conv', name: 'conv1', kernel: 11, stride: 4, padding: 2, filters: 96 },
    { type: 'relu' },
    responseNorm,
    overlappingPool,
    { type: 'conv', name: 'conv2', kernel: 5, stride: 1, padding: 2, filters: 256 },
    { type: 'relu' },
    responseNorm,
    overlappingPool,
    { type: 'conv', name: 'conv3', kernel: 3, stride: 1, padding: 1, filters: 384 },
    { type: 'relu' },
    { type: 'conv', name: 'conv4', kernel: 3, stride: 1, padding: 1, filters: 384 },
    { type: 'relu' },
    { type: 'conv', name: 'conv5', kernel: 3, stride: 1, padding: 1, filters: 256 },
    { type: 'relu' },
    overlappingPool,
    ...hidden('fc6'),
    ...hidden('fc7'),
  ],
};

/** Paths B and C (fig. 3), whose pool labels are read as swapped: only then do the printed sizes follow. */
const paperLowRes = (subsample: number, size: number, stride: number): Path => ({
  name: `lowRes${subsample}`,
  subsample,
  layers: [
    { type: 'conv', name: 'conv', kernel: 8, stride: 4, filters: 96 },
    { type: 'relu' },
    { type: 'maxPool', size, stride, padding: 'same' },
  ],
});

/** Both scales in each: the layout of the paper; `small` and `tiny` end in a 4x4 map in every path. */
const multiScale = [
  /** The paper's own: 225 px, 4096-d, 86 million parameters. */
  {
    name: 'paper',
    inputSize: 225,
    branches: [{ paths: [alexNet] }, { paths: [paperLowRes(4, 7, 4), paperLowRes(8, 3, 2)] }],
    embedding: 4096,
  },
  /** A residual trunk with batch normalisation for product pictures on a GPU. */
  {
    name: 'standard',
    inputSize: 96,
    branches: [
      {
        paths: [
          trunk(
            [
              block('conv1', 64),
              block('conv2', 128),
              residualBlock('conv3', 128),
              block('conv4', 256),
              residualBlock('conv5', 256),
              [{ type: 'averagePool', size: 2 }],
            ],
            256,
          ),
        ],
      },
      { paths: [lowRes(6, 5, 2), lowRes(12, 3, 1)] },
    ],
    embedding: 128,
  },
  /** Four times the pixels of `tiny` and one block more, for a GPU or patience. */
  {
    name: 'small',
    inputSize: 64,
    branches: [
      { paths: [trunk([block('conv1', 96), block('conv2', 192), block('conv3', 256)], 256)] },
      { paths: [lowRes(4, 5, 2), lowRes(8, 3, 1)] },
    ],
    embedding: 128,
  },
  /** For a CPU. */
  {
    name: 'tiny',
    inputSize: 32,
    branches: [
      { paths: [trunk([block('conv1', 96), block('conv2', 256)], 256)] },
      { paths: [lowRes(2, 5, 2), lowRes(4, 3, 1)] },
    ],
    embedding: 128,
  },
] as const satisfies readonly NetworkSpec[];

/** Only the first branch: the paper's single-scale ranking (table 2). */
export const singleScale = (spec: NetworkSpec): NetworkSpec => ({
  ...spec,
  name: `${spec.name}SingleScale`,
  branches: spec.branches.slice(0, 1),
});

type Name = (typeof multiScale)[number]['name'];
export type PresetName = Name | `${Name}SingleScale`;

/** Only the first branch, whose output is the embedding: what a classifier on it reads (its linear layer is the identity). */
export const penultimate = (spec: NetworkSpec): NetworkSpec => ({
  ...singleScale(spec),
  name: `${spec.name}Penultimate`,
  embedding: describeNetwork(singleScale(spec)).joined,
});

const presets = new Map<string, NetworkSpec>(
  multiScale.flatMap((spec) => [spec, singleScale(spec)]).map((spec) => [spec.name, spec]),
);
export const presetNames = [...presets.keys()] as PresetName[];

/** @throws Error that lists the names when there is no such preset. */
export function presetNamed(name: string): NetworkSpec {
  const found = presets.get(name);
  if (!found) throw new Error(`There is no network preset "${name}": choose one of ${presetNames.join(', ')}`);
  return found;
}
