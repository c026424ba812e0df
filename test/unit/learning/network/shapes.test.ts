import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkWeights } from '../../../../learning/network/check-weights.ts';
import { initialWeights } from '../../../../learning/network/initial-weights.ts';
import { presetNamed, presetNames, singleScale } from '../../../../learning/network/presets.ts';
import {
  backbonePathOf,
  describeNetwork,
  dropoutLayers,
  elements,
  isStatistic,
  pictureSizeFor,
  samePadding,
  weightShapes,
} from '../../../../learning/network/shapes.ts';
import type { Backbone, Layer, NetworkSpec, Path } from '../../../../learning/network/spec.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

const netOf = (layers: readonly Layer[], subsample = 1, inputSize = 20): NetworkSpec => ({
  name: 'net',
  inputSize,
  branches: [{ paths: [{ name: 'path', subsample, layers }] }],
  embedding: 4,
});
const conv: Layer = { type: 'conv', name: 'conv', kernel: 3, stride: 2, filters: 8 };
const same: Layer = { type: 'conv', name: 'same', kernel: 3, stride: 1, filters: 8 };
const responseNorm = { type: 'localResponseNorm', size: 5, k: 2, alpha: 1e-4, beta: 0.75 } as const;
const backbone: Backbone = {
  checksum: '0'.repeat(64),
  length: 10,
  layout: 'NCHW',
  mean: [0, 0, 0],
  deviation: [1, 1, 1],
};
const behind = (layers: readonly Layer[], path: Partial<Path> = {}): NetworkSpec => ({
  ...netOf([]),
  branches: [{ paths: [{ name: 'path', subsample: 1, layers, backbone, ...path }] }],
});
const outputsOf = (spec: NetworkSpec) =>
  describeNetwork(spec).branches[0]!.paths[0]!.layers.map(({ output }) => output);

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

  test('worked by hand: zeros around a convolution, windows that overlap, means', () => {
    const padded: Layer = { type: 'conv', name: 'padded', kernel: 5, stride: 2, padding: 1, filters: 4 };
    const spec = netOf([
      padded, // floor((20 + 2 - 5) / 2) + 1
      { type: 'maxPool', size: 3, stride: 2 }, // floor((9 - 3) / 2) + 1
      { type: 'maxPool', size: 3, stride: 2, padding: 'same' }, // ceil(4 / 2)
      responseNorm,
      { type: 'averagePool', size: 2 },
      { type: 'dropout', name: 'drop', keep: 0.5 },
    ]);
    expect(outputsOf(spec)).toEqual([
      [9, 9, 4],
      [4, 4, 4],
      [2, 2, 4],
      [2, 2, 4],
      [1, 1, 4],
      [1, 1, 4],
    ]);
    expect(describeNetwork(spec).flopsPerPicture).toBe(2 * (81 * 75 * 4 + 4 * 4));
  });

  test('where subsampling does not divide the picture the side is rounded up', () => {
    expect(describeNetwork(netOf([], 3)).branches[0]!.paths[0]!.output).toEqual([7, 7, 3]);
  });

  test('batch normalisation has four vectors, of which two are statistics and no parameters', () => {
    const spec = netOf([conv, { type: 'batchNorm', name: 'norm' }]);
    const names = Object.keys(weightShapes(spec));
    expect(names.slice(2, 6)).toEqual(['path.norm.scale', 'path.norm.bias', 'path.norm.mean', 'path.norm.variance']);
    expect(weightShapes(spec)['path.norm.variance']).toEqual([8]);
    expect(names.filter(isStatistic)).toEqual(['path.norm.mean', 'path.norm.variance']);
    expect(describeNetwork(spec).parameters).toBe(27 * 8 + 8 + (8 + 8) + (800 * 4 + 4));
  });

  test('a residual block keeps its shape; its layers count as if they stood in the path', () => {
    const inner: readonly Layer[] = [same, { type: 'batchNorm', name: 'norm' }];
    const spec = netOf([conv, { type: 'residual', layers: [{ type: 'residual', layers: inner }, { type: 'relu' }] }]);
    expect(outputsOf(spec)).toEqual([
      [10, 10, 8],
      [10, 10, 8],
    ]);
    const flat = netOf([conv, ...inner, { type: 'relu' }]);
    expect(weightShapes(spec)).toEqual(weightShapes(flat));
    expect(describeNetwork(spec).flopsPerPicture).toBe(describeNetwork(flat).flopsPerPicture);
    expect(describeNetwork(spec).parameters).toBe(describeNetwork(flat).parameters);
  });

  test('dropout layers are listed in the order of the network, with what their masks cover', () => {
    const drop = (name: string): Layer => ({ type: 'dropout', name, keep: 0.6 });
    const spec = netOf([
      conv,
      { type: 'residual', layers: [same, drop('inside')] },
      { type: 'dense', name: 'top', units: 6 },
      drop('last'),
    ]);
    expect(dropoutLayers(describeNetwork(spec))).toEqual([
      { name: 'path.inside', length: 10 * 10 * 8, keep: 0.6 },
      { name: 'path.last', length: 6, keep: 0.6 },
    ]);
  });

  test('behind a backbone layers read its output vector', () => {
    const spec = behind([{ type: 'dense', name: 'top', units: 6 }]);
    const { joined, parameters, branches } = describeNetwork(spec);
    expect(branches[0]!.paths[0]!.input).toEqual([1, 1, 10]);
    expect([joined, parameters]).toEqual([6, 66 + 28]);
    expect(backbonePathOf(spec)).toMatchObject({ name: 'path', backbone: { length: 10 } });
    expect(backbonePathOf(netOf([]))).toBeNull();
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
    ['path name "path" is used twice', { ...netOf([]), branches: [...netOf([]).branches, ...netOf([]).branches] }],
    ['path name "a.b": use letters', behind([], { name: 'a.b' })],
    ['path path, layer 1 (gelu): there is no such layer type', netOf([{ type: 'gelu' } as unknown as Layer])],
    ['network net has no branches', { ...netOf([]), branches: [] }],
    ['network net: branch 1 has no paths', { ...netOf([]), branches: [{ paths: [] }] }],
    ['network net: embedding 0.5 is no positive integer', { ...netOf([]), embedding: 0.5 }],
    ['network net: inputSize 0 is no positive integer', netOf([], 1, 0)],
    ['path path: subsample 0 is no positive integer', netOf([], 0)],
    ['path path, layer 1 (conv conv): padding 3 is no integer from 0 to 2', netOf([{ ...conv, padding: 3 } as Layer])],
    [
      'path path, layer 1 (conv big): is larger than its input 20x20',
      netOf([{ type: 'conv', name: 'big', kernel: 21, stride: 1, filters: 1, padding: 0 }]),
    ],
    [
      'path path, layer 2 (maxPool 11): is larger than its input 10x10',
      netOf([conv, { type: 'maxPool', size: 11, stride: 1 }]),
    ],
    ['path path, layer 1 (maxPool 2): stride 0 is no', netOf([{ type: 'maxPool', size: 2, stride: 0 }])],
    [
      'path path, layer 2 (averagePool 3): input 10x10 does not divide',
      netOf([conv, { type: 'averagePool', size: 3 }]),
    ],
    ['path path, layer 1 (localResponseNorm 4): size 4 is not odd', netOf([{ ...responseNorm, size: 4 }])],
    ['path path, layer 1 (localResponseNorm 5): k and beta must be positive', netOf([{ ...responseNorm, k: 0 }])],
    ['path path, layer 1 (dropout drop): keep 0 is not in (0, 1]', netOf([{ type: 'dropout', name: 'drop', keep: 0 }])],
    ['path path, layer 1 (residual): has no layers', netOf([{ type: 'residual', layers: [] }])],
    [
      'path path, layer 1 (residual): turns [20,20,3] into [10,10,8], so the two cannot be added',
      netOf([{ type: 'residual', layers: [conv] }]),
    ],
    [
      'path path, layer 2 (residual), layer 1 (conv same): stride -1',
      netOf([conv, { type: 'residual', layers: [{ ...same, stride: -1 } as Layer] }]),
    ],
    [
      'path path, layer 1 (residual), layer 1 (orientation 9): reads the picture',
      netOf([{ type: 'residual', layers: [{ type: 'orientation', bins: 9, pool: 1 }] }]),
    ],
    ['path path: layer name "same" is used twice', netOf([conv, same, { type: 'residual', layers: [same] }])],
    [
      'path path, layer 3 (residual), layer 1 (conv again): its input was flattened',
      netOf([
        conv,
        { type: 'dense', name: 'top', units: 8 },
        { type: 'residual', layers: [{ ...same, name: 'again' } as Layer] },
      ]),
    ],
    ['path path: a backbone reads the whole picture', behind([], { subsample: 2 })],
    ['path path, backbone: length 0 is no', behind([], { backbone: { ...backbone, length: 0 } })],
    ['path path, layer 1 (conv conv): its input was flattened', behind([conv])],
    [
      'network net: paths path and second have backbones',
      { ...netOf([]), branches: [...behind([]).branches, ...behind([], { name: 'second' }).branches] },
    ],
  ])('an impossible network is refused: %s', (message, spec) => {
    expect(() => describeNetwork(spec)).toThrow(message);
  });
});

describe('the presets', () => {
  test('tiny has the sizes that its layers give, worked by hand', () => {
    const { branches, joined, parameters } = describeNetwork(presetNamed('tiny'));
    const [trunk, ...low] = branches.flatMap(({ paths }) => paths);
    expect(trunk!.layers[0]!.output).toEqual([16, 16, 12]);
    expect(trunk!.length).toBe(256);
    expect(low.map(({ output }) => output)).toEqual([
      [4, 4, 32],
      [4, 4, 32],
    ]);
    expect(joined).toBe(256 + 2 * 512);
    // conv1, conv2, dense, two low-resolution convolutions, embedding; scale and shift of three batch normalisations
    expect(parameters).toBe(10_464 + 221_440 + 1_048_832 + 2432 + 896 + 163_968 + 2 * (96 + 256 + 256));
  });

  test('paper has the sizes of the published figures', () => {
    const { branches, joined, parameters } = describeNetwork(presetNamed('paper'));
    const [convNet, low4, low8] = branches.flatMap(({ paths }) => paths);
    // Krizhevsky et al. 2012: 55 to 27 to 13 to 6 pixels, then two hidden layers of 4096.
    const sides = convNet!.layers.filter(({ layer }) => /conv|maxPool/.test(layer.type)).map(({ output }) => output[0]);
    expect(sides).toEqual([55, 27, 27, 13, 13, 13, 13, 6]);
    expect(convNet!.layers.map(({ layer }) => layer.type)).toContain('localResponseNorm');
    expect(convNet!.output).toEqual([1, 1, 4096]);
    // Wang et al. 2014, fig. 3: 57 to 15 to 4 and 29 to 8 to 4 pixels of 96 channels, 3072 values together.
    expect(low4!.input).toEqual([57, 57, 3]);
    expect(low4!.layers.map(({ output }) => output[0])).toEqual([15, 15, 4]);
    expect(low8!.input).toEqual([29, 29, 3]);
    expect(low8!.layers.map(({ output }) => output[0])).toEqual([8, 8, 4]);
    expect(branches.map(({ length }) => length)).toEqual([4096, 3072]);
    expect(joined).toBe(7168);
    // About 86 million with conv2, 4 and 5 split over two GPUs as in 2012; without that split they have twice the weights.
    const split = ['conv2', 'conv4', 'conv5'].map((name) =>
      elements(weightShapes(presetNamed('paper'))[`convNet.${name}.kernel`]!),
    );
    const convolutions = 34_944 + 614_656 + 885_120 + 1_327_488 + 884_992;
    const hidden = 37_752_832 + 16_781_312;
    expect(parameters).toBe(convolutions + hidden + 2 * 18_528 + 29_364_224); // 87.7 million
    expect(parameters - split.reduce((sum, weights) => sum + weights / 2, 0)).toBe(86_269_504);
  });

  test('only its dropout keeps 0.6, on both hidden layers', () => {
    expect(dropoutLayers(describeNetwork(presetNamed('paper')))).toEqual([
      { name: 'convNet.fc6Dropout', length: 4096, keep: 0.6 },
      { name: 'convNet.fc7Dropout', length: 4096, keep: 0.6 },
    ]);
  });

  test('each comes in both scales and in one, and describes a network', () => {
    const four = ['paper', 'standard', 'small', 'tiny'];
    expect(presetNames).toEqual(four.flatMap((name) => [name, `${name}SingleScale`]));
    for (const name of four) {
      const [both, single] = [presetNamed(name), presetNamed(`${name}SingleScale`)];
      expect(single).toEqual(singleScale(both));
      expect(single.branches).toEqual(both.branches.slice(0, 1));
      expect(describeNetwork(single).parameters).toBeLessThan(describeNetwork(both).parameters);
    }
  });

  test('an unknown name is answered with the known ones', () => {
    expect(() => presetNamed('huge')).toThrow(
      'There is no network preset "huge": choose one of paper, paperSingleScale',
    );
    expect(() => presetNamed('toString')).toThrow('tiny, tinySingleScale');
  });

  test('a network is fed from the common picture where that can be halved to its size', () => {
    expect([32, 64, 96, 225].map(pictureSizeFor)).toEqual([64, 64, 96, 225]);
  });
});

describe('initial weights', () => {
  const spec = presetNamed('tiny');
  const weights = initialWeights(spec, makeRandom(1));

  test('kernels spread by fan in, biases and means are 0, scales and variances 1', () => {
    for (const [name, shape] of Object.entries(weightShapes(spec))) {
      const { data } = weights[name]!;
      expect(data).toHaveLength(elements(shape));
      if (!name.endsWith('.kernel')) {
        const value = /scale|variance/.test(name) ? 1 : 0;
        expect(data.every((found) => found === value)).toBe(true);
        continue;
      }
      const meanSquare = data.reduce((sum, value) => sum + value * value, 0) / data.length;
      const gain = name === 'embedding.kernel' ? 1 : 2;
      const wanted = gain / elements(shape.slice(0, -1));
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
