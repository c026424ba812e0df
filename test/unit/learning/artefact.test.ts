import { expect, test } from 'vitest';
import { decodeModel, encodeModel, servedLength } from '../../../src/learning/artefact.ts';
import { handMadeFeatures } from '../../../src/learning/features/index.ts';
import { initialWeights } from '../../../src/learning/network/initial-weights.ts';
import type { NetworkSpec } from '../../../src/learning/network/spec.ts';
import { makeRandom } from '../../../src/learning/random.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../src/learning/safetensors.ts';
import type { Block, ServedModel } from '../../../src/learning/served-model.ts';

const spec: NetworkSpec = {
  name: 'small',
  inputSize: 8,
  embedding: 5,
  branches: [
    {
      paths: [
        {
          name: 'a',
          subsample: 1,
          layers: [
            { type: 'orientation', bins: 3, pool: 2 },
            { type: 'conv', name: 'one', kernel: 3, stride: 1, filters: 2 },
            { type: 'relu' },
            { type: 'maxPool', size: 2 },
            { type: 'dense', name: 'two', units: 4 },
          ],
        },
      ],
    },
  ],
};
const random = makeRandom(1);
const block = (feature: Block['feature'], d: number, k: number, weight: number): Block => ({
  feature,
  weight,
  mean: Float32Array.from({ length: d }, () => random.gaussian()),
  projection: Float32Array.from({ length: k * d }, () => random.gaussian()),
});
const model: ServedModel = {
  blocks: [block('colour', 64, 3, 0.25), block('network', 5, 2, 0.75)],
  network: { spec, weights: initialWeights(spec, random) },
};
const golden: ServedModel = {
  blocks: (['hog', 'pixels', 'colour'] as const).map((name, i) =>
    block(name, handMadeFeatures[name].length, i + 1, 1 / 3),
  ),
  network: null,
};

test.each([
  ['with a network', model, 5],
  ['without', golden, 6],
])('a model %s is read as it was written', (_name, written, length) => {
  expect(decodeModel(encodeModel(written))).toEqual(written);
  expect(servedLength(written)).toBe(length);
});

test('the tensors are named by block and by weight', () => {
  const { tensors } = decodeSafetensors(encodeModel(model));
  expect(Object.keys(tensors)).toEqual([
    'block.0.mean',
    'block.0.projection',
    'block.1.mean',
    'block.1.projection',
    ...Object.keys(model.network!.weights).map((name) => `network.${name}`),
  ]);
  expect(tensors['block.1.projection']!.shape).toEqual([2, 5]);
});

type Change = (file: ReturnType<typeof decodeSafetensors>) => unknown;
const described =
  (change: (description: { blocks: { feature: string; weight: number }[]; network: unknown }) => unknown): Change =>
  ({ metadata }) => {
    const description = JSON.parse(metadata.model!);
    change(description);
    metadata.model = JSON.stringify(description);
  };
test.each<[string, Change, string]>([
  ['another format', ({ metadata }) => (metadata.format = 'x'), 'format'],
  ['a description that is no JSON', ({ metadata }) => (metadata.model = '{'), 'not JSON'],
  ['an unknown feature', described((d) => (d.blocks[0]!.feature = 'smell')), 'description'],
  [
    'a spec with an unknown layer',
    described(
      (d) => (d.network = { ...spec, branches: [{ paths: [{ name: 'a', subsample: 1, layers: [{ type: 'x' }] }] }] }),
    ),
    'description',
  ],
  ['weights that do not sum to 1', described((d) => (d.blocks[0]!.weight = 0.5)), 'sum to'],
  ['a network that is gone', described((d) => (d.network = null)), 'contradicts'],
  ['a missing tensor', ({ tensors }) => delete tensors['network.embedding.bias'], 'is missing'],
  [
    'a tensor too many',
    ({ tensors }) => (tensors.more = { shape: [0], data: new Float32Array(0) }),
    'belong to no part',
  ],
  ['a value that is no number', ({ tensors }) => (tensors['block.0.mean']!.data[0] = Number.NaN), 'not finite'],
  [
    'a weight of another shape',
    ({ tensors }) => (tensors['network.a.two.bias'] = { shape: [1], data: new Float32Array(1) }),
    'shape',
  ],
])('refuses %s', (_name, change, sentence) => {
  const file = decodeSafetensors(encodeModel(model));
  change(file);
  const bytes = encodeSafetensors(file.tensors, file.metadata);
  expect(() => decodeModel(bytes)).toThrow(sentence);
});

test('refuses to write a block that does not fit its feature', () => {
  expect(() => encodeModel({ blocks: [block('colour', 63, 1, 1)], network: null })).toThrow('colour has 64 values');
});
