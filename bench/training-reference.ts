import type { Loss } from '../learning/losses/loss.ts';
import { initialWeights } from '../learning/network/initial-weights.ts';
import { describeNetwork, elements } from '../learning/network/shapes.ts';
import type { Layer, NetworkSpec, Path, Weights } from '../learning/network/spec.ts';
import { makeRandom } from '../learning/numbers/random.ts';
import type { TrainingBatch } from '../workers/engines/engine.ts';

/** 64 triplets. */
export const BATCH = 192;

const block = (name: string, filters: number): readonly Layer[] => [
  { type: 'conv', name, kernel: 3, stride: 1, filters },
  { type: 'relu' },
  { type: 'maxPool', size: 2 },
];
const lowRes = (subsample: number, kernel: number, stride: number): Path => ({
  name: `lowRes${subsample}`,
  subsample,
  layers: [{ type: 'conv', name: 'conv', kernel, stride, filters: 32 }, { type: 'relu' }, { type: 'maxPool', size: 2 }],
});

/** The network that all engines are measured with: plain RGB, three blocks, two low-resolution paths, 64-d. */
export const referenceNetwork = (inputSize: number): NetworkSpec => ({
  name: `reference ${inputSize} px`,
  inputSize,
  branches: [
    {
      paths: [
        {
          name: 'trunk',
          subsample: 1,
          layers: [
            ...block('conv1', 32),
            ...block('conv2', 64),
            ...block('conv3', 128),
            { type: 'dense', name: 'dense', units: 128 },
            { type: 'relu' },
          ],
        },
      ],
    },
    { paths: [lowRes(2, 5, 2), lowRes(4, 3, 1)] },
  ],
  embedding: 64,
});

/**
 * Floating point operations of a training step, a picture: convolutions and dense layers, forwards, by the weights and by
 * the input; nobody needs the gradient by the picture.
 */
export function flopsPerStep(spec: NetworkSpec): number {
  const { branches, flopsPerPicture } = describeNetwork(spec);
  const firsts = branches.flatMap(({ paths }) =>
    paths.map(({ layers }) => {
      const first = layers.find(({ layer }) => layer.type === 'conv');
      if (first?.layer.type !== 'conv') return 0;
      return 2 * first.layer.kernel ** 2 * first.input[2] * elements(first.output);
    }),
  );
  return 3 * flopsPerPicture - firsts.reduce((sum, flops) => sum + flops, 0);
}

export type Example = { spec: NetworkSpec; weights: Weights; batch: TrainingBatch; loss: Loss };

/** The reference network with random weights and noise for pictures: what they show does not change the time. */
export function referenceExample(inputSize: number): Example {
  const spec = referenceNetwork(inputSize);
  const random = makeRandom(1);
  const weights = initialWeights(spec, random);
  const pictures = Float32Array.from({ length: BATCH * inputSize ** 2 * 3 }, () => random.next());
  const gaps = new Float32Array(BATCH / 3).fill(0.2);
  return { spec, weights, batch: { pictures }, loss: { kind: 'tripletHinge', gaps } };
}
