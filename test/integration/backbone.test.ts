import { describe, expect, test } from 'vitest';
import type { TripletHinge } from '../../learning/losses/loss.ts';
import { decodeModel, encodeModel } from '../../learning/models/artefact.ts';
import { initialWeights } from '../../learning/network/initial-weights.ts';
import { presetNamed, presetNames } from '../../learning/network/presets.ts';
import { describeNetwork } from '../../learning/network/shapes.ts';
import type { NetworkSpec, Weights } from '../../learning/network/spec.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { backboneSpec, inspectBackbone } from '../../workers/engines/backbone.ts';
import type { Engine, Features } from '../../workers/engines/engine.ts';
import { delimited, edited, joined, varint } from '../../workers/engines/onnx/import-wire.ts';
import { openOnnxEngine } from '../../workers/engines/onnx/index.ts';
import { openNetworkEngine } from '../../workers/engines/open-network.ts';
import { withBackbone } from '../../workers/engines/with-backbone.ts';
import { featuresExactly, type Made, makeBackbone, redeclared } from '../support/backbone.ts';
import { relativeError } from '../support/oracle-network.ts';

const side = 8;
const base: NetworkSpec = {
  name: 'base',
  inputSize: 4,
  branches: [
    { paths: [{ name: 'trunk', subsample: 1, layers: [{ type: 'dense', name: 'dense', units: 6 }] }] },
    { paths: [{ name: 'low', subsample: 2, layers: [{ type: 'conv', name: 'c', kernel: 2, stride: 1, filters: 2 }] }] },
  ],
  embedding: 3,
};
const onlyHead: NetworkSpec = { ...base, branches: base.branches.slice(0, 1) };
const made = makeBackbone();
const spec = backboneSpec(base, inspectBackbone(made.bytes));
const inks = (n: number, seed = 3) => {
  const random = makeRandom(seed);
  return Float32Array.from({ length: n * side * side * 3 }, () => random.next());
};

describe('what an ONNX file is as a backbone', () => {
  test.each<[string, Partial<Made>, Record<string, unknown>]>([
    ['a vector, any number of pictures', {}, { layout: 'NCHW', batch: null, pixels: 1 }],
    ['a map', { ends: 'map' }, { layout: 'NCHW', batch: null, pixels: 36 }],
    ['channels last', { layout: 'NHWC', ends: 'map', batch: 1 }, { layout: 'NHWC', batch: 1, pixels: 36 }],
  ])('%s', (_name, options, { layout, ...wanted }) => {
    const found = inspectBackbone(makeBackbone(options).bytes);
    expect(found).toMatchObject({ inputSize: side, opset: 17, ...wanted });
    expect(found.backbone).toMatchObject({ length: 5, layout, mean: [0.485, 0.456, 0.406] });
  });

  test('its metadata may say what is subtracted and divided by', () => {
    const metadata = { 'simili.mean': '0.5, 0.5,0.5', 'simili.deviation': '0.25,0.5,1' };
    const { backbone } = inspectBackbone(makeBackbone({ metadata }).bytes);
    expect(backbone).toMatchObject({ mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.5, 1] });
  });

  test('weights that are listed among the inputs, as they once had to be, are none', () => {
    const weights = { name: 'value 0', elementType: 1, dims: [5, 3, 3, 3] };
    expect(inspectBackbone(redeclared(made.bytes, { inputs: [picture, weights], outputs: [vector] }))).toMatchObject({
      inputSize: side,
      input: picture,
    });
  });

  const picture = { name: 'pictures', elementType: 1, dims: ['n', 3, side, side] };
  const vector = { name: 'vector', elementType: 1, dims: ['n', 5] };
  /** An attribute `value` of a tensor whose data is elsewhere. */
  const elsewhere = joined([delimited(1, 'value'), delimited(5, varint(14, 1)), varint(20, 4)]);
  test.each<[string, Uint8Array, string]>([
    ['a text', new TextEncoder().encode('no model at all'), 'it is no ONNX file'],
    ['an empty file', new Uint8Array(0), 'it is no ONNX file'],
    [
      'an open picture size',
      redeclared(made.bytes, { inputs: [{ ...picture, dims: ['n', 3, 'height', 'width'] }], outputs: [vector] }),
      'its input pictures [n, 3, height, width] is neither [n, 3, S, S] nor [n, S, S, 3] with a fixed S',
    ],
    [
      'an oblong picture',
      redeclared(made.bytes, { inputs: [{ ...picture, dims: [1, 3, 8, 9] }], outputs: [vector] }),
      'neither [n, 3, S, S]',
    ],
    [
      'grey pictures',
      redeclared(made.bytes, { inputs: [{ ...picture, dims: ['n', 1, side, side] }], outputs: [vector] }),
      'neither [n, 3, S, S]',
    ],
    [
      'half precision',
      redeclared(made.bytes, { inputs: [{ ...picture, elementType: 10 }], outputs: [vector] }),
      'its input pictures is not of float32 (ONNX type 10)',
    ],
    [
      'two inputs',
      redeclared(made.bytes, { inputs: [picture, { ...picture, name: 'mask' }], outputs: [vector] }),
      'it has 2 inputs (pictures, mask) where one is needed',
    ],
    [
      'an output of open length',
      redeclared(made.bytes, { inputs: [picture], outputs: [{ ...vector, dims: ['n', null] }] }),
      'its output vector [n, ?] leaves lengths open besides the first',
    ],
    [
      'a sequence of vectors',
      redeclared(made.bytes, { inputs: [picture], outputs: [{ ...vector, dims: ['n', 50, 5] }] }),
      'is neither [n, length] nor a map of four axes',
    ],
    [
      'one vector for many pictures',
      redeclared(made.bytes, { inputs: [picture], outputs: [{ ...vector, dims: [1, 5] }] }),
      'is not of as many pictures as its input',
    ],
    [
      'weights in another file',
      edited(made.bytes, { 7: (graph) => edited(graph, { 5: (weight) => joined([weight, varint(14, 1)]) }) }),
      'its weights are in another file',
    ],
    [
      'a constant in another file',
      edited(made.bytes, { 7: (graph) => edited(graph, { 1: (node) => joined([node, delimited(5, elsewhere)]) }) }),
      'its weights are in another file',
    ],
    ['two graphs, of which one would be looked at', joined([made.bytes, delimited(7, '')]), 'it is no ONNX file'],
    ['a deviation of 0', makeBackbone({ metadata: { 'simili.deviation': '1,0,1' } }).bytes, 'is not three numbers'],
  ])('%s is refused with a sentence', (_name, bytes, why) => {
    const refusal = { code: 'IMPORT_UNREADABLE', message: expect.stringContaining(`Cannot import mine.onnx: `) };
    expect(() => inspectBackbone(bytes, 'mine.onnx')).toThrow(expect.objectContaining(refusal));
    expect(() => inspectBackbone(bytes)).toThrow(why);
  });
});

test.each<[string, number[], number[], string]>([
  ['pictures of 20,000 pixels', [3, 20_000, 20_000], [5], 'the side of its input is 20000, at most 1024'],
  ['a vector of 100,000 values', [3, 8, 8], [100_000], 'the length of its output is 100000, at most 65536'],
  [
    'a map of 1,000 x 1,000',
    [3, 8, 8],
    [5, 1000, 1000],
    'the number of pixels of its output is 1000000, at most 65536',
  ],
])('%s are refused by what the file declares', (_name, input, output, why) => {
  const bytes = redeclared(made.bytes, {
    inputs: [{ name: 'pictures', elementType: 1, dims: ['n', ...input] }],
    outputs: [{ name: 'vector', elementType: 1, dims: ['n', ...output] }],
  });
  expect(() => inspectBackbone(bytes, 'mine.onnx')).toThrow(
    expect.objectContaining({ code: 'MODEL_TOO_COSTLY', message: `mine.onnx asks for too much: ${why}` }),
  );
});

describe('the spec around a backbone', () => {
  test('has a head in place of the first branch, and low-resolution paths that see about what they saw', () => {
    expect(spec).toMatchObject({ name: 'baseBackbone', inputSize: 8, embedding: 3 });
    const [head, low] = describeNetwork(spec).branches.flatMap(({ paths }) => paths);
    expect(head).toMatchObject({ input: [1, 1, 5], output: [1, 1, 6] });
    expect(low).toMatchObject({ input: [2, 2, 3], path: { subsample: 4 } });
  });

  test.each(presetNames)('%s can be put behind any usual picture size', (name) => {
    for (const size of [96, 224, 227, 299]) {
      const { backbone } = inspectBackbone(made.bytes);
      const built = backboneSpec(presetNamed(name), { ...inspectBackbone(made.bytes), backbone, inputSize: size });
      const [before, after] = [presetNamed(name), built].map(describeNetwork);
      expect(after!.branches.map(({ paths }) => paths.length)).toEqual(
        before!.branches.map(({ paths }) => paths.length),
      );
      for (const [b, { paths }] of after!.branches.entries()) {
        if (b === 0) continue;
        for (const [p, path] of paths.entries()) {
          const wanted = before!.branches[b]!.paths[p]!.input[0];
          expect(Math.abs(path.input[0] - wanted) / wanted, `${size} ${path.path.name}`).toBeLessThan(0.25);
        }
      }
    }
  });
});

/** Keeps what it was given. */
function listener() {
  const heard: Features[] = [];
  const engine = {
    name: 'onnx',
    device: 'none',
    onGpu: false,
    embed: async (_pictures: Float32Array, n: number, features: Features) => {
      heard.push(features);
      return new Float32Array(n);
    },
    dispose: async () => {},
  } as unknown as Engine;
  return { heard, engine };
}

describe('an engine with a backbone', () => {
  test.each<[string, Partial<Made>, number]>([
    ['a vector', {}, 5],
    ['a map', { ends: 'map' }, 5],
    ['channels last', { layout: 'NHWC', ends: 'map' }, 5],
    ['channels last to a vector', { layout: 'NHWC' }, 5],
    ['one picture at a time', { batch: 1 }, 3],
    ['three pictures at a time', { batch: 3, ends: 'map' }, 7],
    ['more pictures than one pass takes', {}, 40],
    ['means of its own', { metadata: { 'simili.mean': '0.1,0.2,0.3', 'simili.deviation': '1,2,3' } }, 2],
  ])('runs it on pictures as it was trained on: %s', async (_name, options, n) => {
    const file = makeBackbone(options);
    const { backbone } = inspectBackbone(file.bytes);
    const { heard, engine } = listener();
    const both = await withBackbone(engine, file.bytes, backboneSpec(base, inspectBackbone(file.bytes)), {
      threads: 1,
    });
    await both.embed(inks(n), n);
    await both.dispose();
    const wanted = featuresExactly(file, inks(n), backbone.mean, backbone.deviation);
    expect(relativeError(heard[0]!.backbone!, wanted)).toBeLessThan(1e-5);
  });

  test('gives the gradients of the head that finite differences give', async () => {
    const headSpec = backboneSpec(onlyHead, inspectBackbone(made.bytes));
    const weights = initialWeights(headSpec, makeRandom(5));
    const loss: TripletHinge = { kind: 'tripletHinge', gaps: Float32Array.of(1, 0.5) };
    const { engine, reason } = await openNetworkEngine('onnx', { requireGpu: false }, headSpec, weights, {
      batch: 6,
      threads: 1,
      backbone: made.bytes,
    });
    expect(reason).toBe('onnx on cpu (1 thread), its backbone on cpu');
    expect(engine.device).toBe('cpu (1 thread), its backbone on cpu');
    const found = await engine.gradients({ pictures: inks(6) }, loss);
    await engine.dispose();
    const features = featuresExactly(made, inks(6));
    expect(found.loss).toBeCloseTo(headLoss(weights, features, loss), 5);
    expect(found.loss).toBeGreaterThan(0.1);
    for (const [name, { data }] of Object.entries(weights)) {
      const slopes = Array.from(data, (_value, i) => slope(weights, name, i, features, loss));
      expect(relativeError(found.gradients[name]!.data, slopes), name).toBeLessThan(1e-4);
    }
  });

  test('learns: a few steps on one batch lower its loss, and the backbone stays what it was', async () => {
    const weights = initialWeights(spec, makeRandom(5));
    const loss: TripletHinge = { kind: 'tripletHinge', gaps: Float32Array.of(1, 1, 1, 1) };
    const { engine } = await openNetworkEngine('onnx', { requireGpu: false }, spec, weights, {
      batch: 12,
      threads: 1,
      backbone: made.bytes,
    });
    // Queries and positives of one colour, negatives of another.
    const pictures = inks(12).map((value, i) => value * (i % 3 === (i < 8 * side * side * 3 ? 0 : 2) ? 1 : 0.3));
    const losses: number[] = [];
    for (let step = 0; step < 30; step++) {
      const { loss: now, gradients } = await engine.gradients({ pictures }, loss);
      losses.push(now);
      for (const [name, { data }] of Object.entries(gradients)) {
        const weight = weights[name]!.data;
        for (let i = 0; i < weight.length; i++) weight[i] = weight[i]! - 0.2 * data[i]!;
      }
      await engine.setWeights(weights);
    }
    await engine.dispose();
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
  });

  test('embeds the same after its model was written and read', async () => {
    const weights = initialWeights(spec, makeRandom(5));
    const block = {
      feature: 'network',
      weight: 1,
      mean: new Float32Array(3),
      projection: Float32Array.of(1, 0, 0),
    } as const;
    const network = { spec, weights, backbone: made.bytes };
    const read = decodeModel(encodeModel({ blocks: [block], network })).network!;
    const vectors = await Promise.all(
      [network, read].map(async (one) => {
        const { engine } = await openNetworkEngine('onnx', { requireGpu: false }, one.spec, one.weights, {
          batch: 3,
          threads: 1,
          backbone: one.backbone,
        });
        const rows = await engine.embed(inks(4), 4);
        await engine.dispose();
        return rows;
      }),
    );
    expect(vectors[1]).toEqual(vectors[0]);
    expect(new Set(vectors[0]).size).toBeGreaterThan(6);
  });

  test('refuses another file than the one that its head was trained on', async () => {
    const weights = initialWeights(spec, makeRandom(5));
    const options = { batch: 3, threads: 1 };
    const other = makeBackbone({ ends: 'map' }).bytes;
    const open = (backbone: Uint8Array | null) =>
      openNetworkEngine('onnx', { requireGpu: false }, spec, weights, { ...options, backbone });
    await expect(open(other)).rejects.toThrow('has another backbone');
    await expect(open(null)).rejects.toThrow('needs its backbone');
    const engine = await openOnnxEngine(spec, weights, options);
    await expect(withBackbone(engine, made.bytes, { ...spec, inputSize: 9 }, options)).rejects.toThrow(
      'reads 8 pixels',
    );
    await engine.dispose();
  });

  test('a file that ONNX Runtime cannot open is told as such', async () => {
    const broken = redeclared(made.bytes, {
      inputs: [{ name: 'elsewhere', elementType: 1, dims: ['n', 3, side, side] }],
      outputs: [{ name: 'vector', elementType: 1, dims: ['n', 5] }],
    });
    const { engine } = listener();
    const opening = withBackbone(engine, broken, backboneSpec(base, inspectBackbone(broken)), { threads: 1 });
    await expect(opening).rejects.toMatchObject({
      code: 'IMPORT_UNREADABLE',
      message: expect.stringMatching(/pictures|graph/i),
    });
  });
});

/** dense, relu, unit length, linear embedding, unit length, hinge: in float64, from the definitions in spec.ts. */
function headLoss(
  weights: Weights,
  features: readonly number[],
  { gaps }: TripletHinge,
  nudge?: [string, number, number],
) {
  const at = (name: string, i: number) => {
    const moved = nudge && nudge[0] === name && nudge[1] === i ? nudge[2] : 0;
    return weights[name]!.data[i]! + moved;
  };
  const layer = (name: string, row: readonly number[]) => {
    const units = weights[`${name}.bias`]!.data.length;
    return Array.from({ length: units }, (_, u) =>
      row.reduce((sum, value, i) => sum + value * at(`${name}.kernel`, i * units + u), at(`${name}.bias`, u)),
    );
  };
  const unit = (row: readonly number[]) => {
    const length = Math.sqrt(row.reduce((sum, value) => sum + value ** 2, 1e-8));
    return row.map((value) => value / length);
  };
  const rows = Array.from({ length: features.length / 5 }, (_, n) => {
    const hidden = layer('backbone.dense', features.slice(5 * n, 5 * n + 5)).map((value) => Math.max(0, value));
    return unit(layer('embedding', unit(hidden)));
  });
  const distance = (a: number, b: number) => rows[a]!.reduce((sum, value, i) => sum + (value - rows[b]![i]!) ** 2, 0);
  const count = gaps.length;
  const costs = Array.from(gaps, (gap, i) => Math.max(0, gap + distance(i, count + i) - distance(i, 2 * count + i)));
  return costs.reduce((sum, cost) => sum + cost / count, 0);
}

const step = 1e-6;
const slope = (weights: Weights, name: string, i: number, features: readonly number[], loss: TripletHinge): number =>
  (headLoss(weights, features, loss, [name, i, step]) - headLoss(weights, features, loss, [name, i, -step])) /
  (2 * step);
