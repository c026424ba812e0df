import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkWeights } from '../../../src/learning/network/check-weights.ts';
import { initialWeights } from '../../../src/learning/network/initial-weights.ts';
import { presetNamed } from '../../../src/learning/network/presets.ts';
import { describeNetwork, elements, samePadding, weightShapes } from '../../../src/learning/network/shapes.ts';
import type { Layer, NetworkSpec } from '../../../src/learning/network/spec.ts';
import { makeRandom } from '../../../src/learning/random.ts';

const netOf = (layers: readonly Layer[], subsample = 1, inputSize = 20): NetworkSpec => ({
  name: 'net',
  inputSize,
  branches: [{ paths: [{ name: 'path', subsample, layers }] }],
  embedding: 4,
});
const conv: Layer = { type: 'conv', name: 'conv', kernel: 3, stride: 2, filters: 8 };

describe('the shapes of a network', () => {
  test('worked by hand: convolution, pooling and dense layer, then the embedding', () => {
    const spec = netOf([
      conv,
      { type: 'relu' },
      { type: 'maxPool', size: 5 },
      { type: 'dense', name: 'top', units: 6 },
    ]);
    const { branches, joined, parameters, flopsPerPicture } = describeNetwork(spec);
    const layers = branches[0]!.paths[0]!.layers;
    expect(layers.map(({ output }) => output)).toEqual([
      [10, 10, 8],
      [10, 10, 8],
      [2, 2, 8],
      [1, 1, 6],
    ]);
    expect(joined).toBe(6);
    expect(parameters).toBe(3 * 3 * 3 * 8 + 8 + (32 * 6 + 6) + (6 * 4 + 4));
    expect(flopsPerPicture).toBe(2 * (100 * 27 * 8 + 32 * 6 + 6 * 4));
  });

  test('weights come in the canonical order, with kernels HWIO or in by out', () => {
    expect(Object.entries(weightShapes(netOf([conv, { type: 'dense', name: 'top', units: 6 }], 2)))).toEqual([
      ['path.conv.kernel', [3, 3, 3, 8]],
      ['path.conv.bias', [8]],
      ['path.top.kernel', [5 * 5 * 8, 6]],
      ['path.top.bias', [6]],
      ['embedding.kernel', [6, 4]],
      ['embedding.bias', [4]],
    ]);
  });

  test('SAME padding reads every pixel that the stride can reach and puts the odd pixel at the end', () => {
    expect(samePadding(6, 2, 1)).toEqual({ output: 6, before: 0, after: 1 });
    expect(samePadding(57, 8, 4)).toEqual({ output: 15, before: 3, after: 4 }); // the paper's low-resolution path
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, size, (input, kernel, stride) => {
        const { output, before, after } = samePadding(input, kernel, stride);
        const read = (output - 1) * stride + kernel;
        expect(output).toBe(Math.ceil(input / stride));
        expect([0, 1]).toContain(after - before);
        expect(before + after).toBe(Math.max(0, read - input));
      }),
    );
  });

  test.each<[string, NetworkSpec]>([
    ['path path, layer 2 (maxPool 3): input 10x10 does not divide', netOf([conv, { type: 'maxPool', size: 3 }])],
    [
      'path path, layer 1 (orientation 9): input 5x5 does not divide',
      netOf([{ type: 'orientation', bins: 9, pool: 2 }], 4),
    ],
    ['path path, layer 2 (orientation 9): reads the picture', netOf([conv, { type: 'orientation', bins: 9, pool: 2 }])],
    [
      'path path, layer 2 (conv conv): its input was flattened',
      netOf([{ type: 'dense', name: 'top', units: 2 }, conv]),
    ],
    ['path path, layer 1 (conv conv): stride 0 is no positive integer', netOf([{ ...conv, stride: 0 }])],
    ['path path: layer name "conv" is used twice', netOf([conv, conv])],
    ['path path: subsample 3 does not divide inputSize 20', netOf([], 3)],
    ['path name "path" is used twice', { ...netOf([]), branches: [...netOf([]).branches, ...netOf([]).branches] }],
    ['path path, layer 1 (dropout): there is no such layer type', netOf([{ type: 'dropout' } as unknown as Layer])],
    ['network net has no branches', { ...netOf([]), branches: [] }],
    ['network net: branch 1 has no paths', { ...netOf([]), branches: [{ paths: [] }] }],
    ['network net: embedding 0.5 is no positive integer', { ...netOf([]), embedding: 0.5 }],
  ])('an impossible network is refused: %s', (message, spec) => {
    expect(() => describeNetwork(spec)).toThrow(message);
  });
});

describe('the presets', () => {
  test('tiny has the size that the notes of its making say', () => {
    const { branches, joined, parameters } = describeNetwork(presetNamed('tiny'));
    const [trunk, ...low] = branches.flatMap(({ paths }) => paths);
    expect(trunk!.layers[0]!.output).toEqual([16, 16, 12]);
    expect(trunk!.length).toBe(128);
    expect(low.map(({ output }) => output)).toEqual([
      [4, 4, 32],
      [4, 4, 32],
    ]);
    expect(joined).toBe(128 + 2 * 512);
    // conv1, conv2, dense, two low-resolution convolutions, embedding
    expect(parameters).toBe(6976 + 73856 + 262272 + 2432 + 896 + 73792);
  });

  test('small describes a network too, and an unknown name is answered with the known ones', () => {
    expect(describeNetwork(presetNamed('small')).branches[1]!.length).toBe(2 * 4 * 4 * 32);
    expect(() => presetNamed('huge')).toThrow('There is no network preset "huge": choose one of tiny, small');
    expect(() => presetNamed('toString')).toThrow('tiny, small');
  });
});

describe('initial weights', () => {
  const spec = presetNamed('tiny');
  const weights = initialWeights(spec, makeRandom(1));

  test('kernels spread by fan in, biases are 0', () => {
    for (const [name, shape] of Object.entries(weightShapes(spec))) {
      const { data } = weights[name]!;
      expect(data).toHaveLength(elements(shape));
      const meanSquare = data.reduce((sum, value) => sum + value * value, 0) / data.length;
      const gain = name === 'embedding.kernel' ? 1 : 2;
      const wanted = name.endsWith('.bias') ? 0 : gain / elements(shape.slice(0, -1));
      expect(Math.abs(meanSquare - wanted), name).toBeLessThanOrEqual(0.15 * wanted);
    }
  });

  test('the same random numbers give the same weights, others do not', () => {
    const last = (seed: number) => initialWeights(spec, makeRandom(seed))['embedding.kernel']!.data.slice(-9);
    expect(last(1)).toEqual(weights['embedding.kernel']!.data.slice(-9));
    expect(last(2)).not.toEqual(last(1));
  });

  test('weights that do not fit the network are refused by name', () => {
    const { 'embedding.bias': bias, ...incomplete } = weights;
    expect(() => checkWeights(spec, weights)).not.toThrow();
    expect(() => checkWeights(spec, incomplete)).toThrow('Network tiny needs a weight embedding.bias');
    expect(() => checkWeights(spec, { ...weights, extra: bias! })).toThrow('Network tiny has no weight extra');
    const transposed = { ...weights['embedding.kernel']!, shape: [64, 1152] };
    expect(() => checkWeights(spec, { ...weights, 'embedding.kernel': transposed })).toThrow('[64,1152]');
  });
});
