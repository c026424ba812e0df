import type { Layer, NetworkSpec, Path } from './spec.ts';

/** 3x3 convolution, halved, rectified: pooling before the rectifier is the same and does a quarter of its work. */
const block = (name: string, filters: number): readonly Layer[] => [
  { type: 'conv', name, kernel: 3, stride: 1, filters },
  { type: 'maxPool', size: 2 },
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
    { type: 'relu' },
  ],
});

/** Layout of the paper, sizes for a small catalog. Both end in a 4x4 map in every path. */
const presets = {
  /** For a CPU: about a thousand pictures a second on one core. */
  tiny: {
    name: 'tiny',
    inputSize: 32,
    branches: [
      { paths: [trunk([block('conv1', 64), block('conv2', 128)], 128)] },
      { paths: [lowRes(2, 5, 2), lowRes(4, 3, 1)] },
    ],
    embedding: 64,
  },
  /** Four times the pixels and one block more, for a GPU or patience. */
  small: {
    name: 'small',
    inputSize: 64,
    branches: [
      { paths: [trunk([block('conv1', 64), block('conv2', 128), block('conv3', 256)], 256)] },
      { paths: [lowRes(4, 5, 2), lowRes(8, 3, 1)] },
    ],
    embedding: 64,
  },
} as const satisfies Record<string, NetworkSpec>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as readonly PresetName[];

/** @throws Error that lists the names when there is no such preset. */
export function presetNamed(name: string): NetworkSpec {
  const found = presetNames.find((preset) => preset === name);
  if (!found) throw new Error(`There is no network preset "${name}": choose one of ${presetNames.join(', ')}`);
  return presets[found];
}
