import { expect, test } from 'vitest';
import { handMadeFeatures } from '../../../../learning/features/index.ts';
import { decodeModel, encodeModel, servedLength } from '../../../../learning/models/artefact.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../../learning/models/safetensors.ts';
import type { Block, ServedModel } from '../../../../learning/models/served-model.ts';
import { initialWeights } from '../../../../learning/network/initial-weights.ts';
import type { NetworkSpec } from '../../../../learning/network/spec.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

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
  network: { spec, weights: initialWeights(spec, random), backbone: null },
};
const everyLayer: NetworkSpec = {
  ...spec,
  branches: [
    {
      paths: [
        {
          name: 'a',
          subsample: 1,
          layers: [
            { type: 'conv', name: 'one', kernel: 3, stride: 1, filters: 2, padding: 0 },
            { type: 'batchNorm', name: 'norm' },
            { type: 'relu' },
            { type: 'localResponseNorm', size: 3, k: 2, alpha: 1e-4, beta: 0.75 },
            { type: 'maxPool', size: 3, stride: 1, padding: 'same' },
            {
              type: 'residual',
              layers: [
                { type: 'residual', layers: [{ type: 'batchNorm', name: 'inner' }] },
                { type: 'conv', name: 'two', kernel: 3, stride: 1, filters: 2 },
              ],
            },
            { type: 'averagePool', size: 2 },
            { type: 'dense', name: 'three', units: 4 },
            { type: 'dropout', name: 'drop', keep: 0.6 },
          ],
        },
      ],
    },
  ],
};
const file = Uint8Array.of(1, 2, 3, 4, 5);
const withFile: NetworkSpec = {
  ...spec,
  branches: [
    {
      paths: [
        {
          name: 'pretrained',
          subsample: 1,
          layers: [{ type: 'dense', name: 'top', units: 2 }],
          backbone: {
            // sha256sum of the five bytes
            checksum: '74f81fe167d99b4cb41d6d0ccda82278caee9f3e2f25d5e5a3936ff3dcec60d0',
            length: 7,
            mean: [0.1, 0.2, 0.3],
            deviation: [1, 1, 2],
            layout: 'NHWC',
          },
        },
      ],
    },
  ],
};
const modelOf = (network: NetworkSpec, backbone: Uint8Array | null = null): ServedModel => ({
  ...model,
  network: { spec: network, weights: initialWeights(network, makeRandom(2)), backbone },
});
const golden: ServedModel = {
  blocks: (['hog', 'pixels', 'colour'] as const).map((name, i) =>
    block(name, handMadeFeatures[name].length, i + 1, 1 / 3),
  ),
  network: null,
};

test.each([
  ['with a network', model, 5],
  ['without', golden, 6],
  ['with layers of every kind', modelOf(everyLayer), 5],
  ['with a backbone', modelOf(withFile, file), 5],
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

test('a hidden layer comes back as it was, and is refused where its numbers do not fit', () => {
  const hidden = {
    inner: Float32Array.from({ length: 20 }, () => random.gaussian()),
    shift: Float32Array.of(1, -2, 3, 4),
    outer: Float32Array.from({ length: 20 }, () => random.gaussian()),
  };
  const bent: ServedModel = { ...model, hidden };
  expect(decodeModel(encodeModel(bent))).toEqual(bent);
  const refused = (change: Partial<typeof hidden>) => () => encodeModel({ ...bent, hidden: { ...hidden, ...change } });
  expect(refused({ inner: new Float32Array(19) })).toThrow('hidden.inner has 19 values, not 4 x 5');
  expect(refused({ outer: new Float32Array(20).fill(Number.NaN) })).toThrow('hidden.outer');
  expect(refused({ shift: new Float32Array(0) })).toThrow('no units');
});

test('a backbone is inside, byte for byte, and no other file is taken for it', () => {
  expect(decodeSafetensors(encodeModel(modelOf(withFile, file))).bytes).toEqual({ backbone: file });
  expect(() => encodeModel(modelOf(withFile))).toThrow('its backbone is missing');
  expect(() => encodeModel(modelOf(spec, file))).toThrow('no path of the network has a backbone');
  const { tensors, metadata } = decodeSafetensors(encodeModel(modelOf(withFile, file)));
  const read = (bytes: Record<string, Uint8Array>) => () => decodeModel(encodeSafetensors(tensors, metadata, bytes));
  expect(read({ backbone: Uint8Array.of(1, 2, 3, 4, 6) })).toThrow('the backbone has the checksum');
  expect(read({})).toThrow('its backbone is missing');
  expect(read({ backbone: file, more: file })).toThrow('belong to no part');
});

/** The description of a network before there were other layers: what is stored in databases today. */
const old =
  '{"name":"tiny","inputSize":8,"branches":[{"paths":[{"name":"trunk","subsample":1,"layers":[{"type":"orientation","bins":3,"pool":2},{"type":"conv","name":"conv1","kernel":3,"stride":1,"filters":2},{"type":"maxPool","size":2},{"type":"relu"},{"type":"dense","name":"dense","units":4},{"type":"relu"}]}]}],"embedding":5}';

test('a model that was written by an earlier version is read', () => {
  const network = JSON.parse(old) as NetworkSpec;
  const written = modelOf(network);
  const { tensors, metadata } = decodeSafetensors(encodeModel(written));
  const blocks = written.blocks.map(({ feature, weight }) => ({ feature, weight }));
  const description = `{"blocks":${JSON.stringify(blocks)},"network":${old}}`;
  expect(decodeModel(encodeSafetensors(tensors, { ...metadata, model: description }))).toEqual(written);
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
  [
    'a feature that nothing gives',
    described((d) => (d.blocks[0]!.feature = 'smell')),
    'nothing is known of the encoder smell',
  ],
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

const eye = { id: 'eye-0123456789ab', title: 'An eye', licence: 'Apache-2.0', dimensions: 6 };

test('keeps of an encoder what is needed to find it again, and not its weights', () => {
  const own: ServedModel = { blocks: [{ ...block(eye.id, 6, 2, 1), encoder: eye }], network: null };
  expect(decodeModel(encodeModel(own))).toEqual(own);
  expect(servedLength(own)).toBe(2);
});

test.each<[string, Block, string]>([
  ['another length than its encoder gives', { ...block(eye.id, 5, 2, 1), encoder: eye }, 'has 6 values'],
  ['another encoder than its own', { ...block('other', 6, 2, 1), encoder: eye }, 'is described as one of'],
  ['an encoder for a hand-made feature', { ...block('colour', 64, 2, 1), encoder: eye }, 'is not of an encoder'],
])('refuses a block with %s', (_name, own, sentence) => {
  expect(() => encodeModel({ blocks: [own], network: null })).toThrow(sentence);
});
