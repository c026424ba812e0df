import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { view } from '../../learning/batches/augment.ts';
import { handMadeFeatures, isHandMade } from '../../learning/features/index.ts';
import type { Block, FeatureName, ServedModel } from '../../learning/models/served-model.ts';
import { initialWeights } from '../../learning/network/initial-weights.ts';
import { presetNamed } from '../../learning/network/presets.ts';
import { pictureSizeFor } from '../../learning/network/shapes.ts';
import type { NetworkSpec, Weights } from '../../learning/network/spec.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { fuse } from '../../learning/whitening/whitening.ts';
import { findEncoder } from '../../workers/encoders/find.ts';
import { backboneSpec, inspectBackbone } from '../../workers/engines/backbone.ts';
import { openOnnxEncoder } from '../../workers/engines/onnx/encoder.ts';
import { exportOnnx } from '../../workers/engines/onnx/export/index.ts';
import { Graph } from '../../workers/engines/onnx/graph.ts';
import { joinModels } from '../../workers/engines/onnx/import-join.ts';
import { delimited, edited, joined, varint } from '../../workers/engines/onnx/import-wire.ts';
import { openNetworkEngine } from '../../workers/engines/open-network.ts';
import { type Made, makeBackbone } from '../support/backbone.ts';
import { relativeError } from '../support/oracle-network.ts';
import { drawn } from '../support/training-set.ts';

const random = makeRandom(11);
const block = (feature: FeatureName, d: number, k: number, weight: number): Block => ({
  feature,
  weight,
  mean: Float32Array.from({ length: d }, () => 0.05 * random.next()),
  projection: Float32Array.from({ length: k * d }, () => random.gaussian()),
});
const goldenBlocks = (weight: number) =>
  (['hog', 'pixels', 'colour'] as const).map((name) => block(name, handMadeFeatures[name].length, 7, weight));

/** Drawings, noise, a white and a black picture: uint8 [n, side, side, 3]. */
function testPictures(side: number): Uint8Array[] {
  const noise = () => Uint8Array.from({ length: side * side * 3 }, () => random.int(256));
  const plain = (value: number) => new Uint8Array(side * side * 3).fill(value);
  const wave = plain(255).map((_, i) => Math.round(127 + 127 * Math.sin((i % (side * 3)) / 9 + i / side / 40)));
  const rectangles =
    side === 64 ? [drawn('wide', 1), drawn('tall', 2), drawn('framed', 3)] : [noise(), noise(), noise()];
  return [...rectangles, noise(), wave, plain(255), plain(0)];
}

/** Weights as training leaves them: statistics and scales are not those of the start. */
function trainedWeights(spec: NetworkSpec): Weights {
  const weights = initialWeights(spec, random);
  for (const [name, { data }] of Object.entries(weights)) {
    if (!name.endsWith('.kernel')) for (let i = 0; i < data.length; i++) data[i] = data[i]! + 0.3 * random.next();
  }
  return weights;
}

async function runOnnx(bytes: Uint8Array, feeds: Record<string, { pictures: readonly Uint8Array[]; side: number }>) {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const tensors = Object.entries(feeds).map(([name, { pictures, side }]) => {
    const data = Uint8Array.from(pictures.flatMap((picture) => [...picture]));
    return [name, new ort.Tensor('uint8', data, [pictures.length, side, side, 3])] as const;
  });
  const results = await session.run(Object.fromEntries(tensors));
  const found = Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
  const ports = { inputs: [...session.inputNames], outputs: [...session.outputNames] };
  await session.release();
  return { ...found, ports } as { vector: Float32Array; embeddings: Float32Array; ports: typeof ports };
}

/** Vectors that the engine gives for the same model and pictures, row by row. */
async function runEngine(
  { blocks, hidden, network }: ServedModel,
  large: readonly Uint8Array[],
  small: readonly Uint8Array[],
) {
  const embeddings = network ? await embed(network, large) : [];
  const vectors = large.map((_, i) =>
    fuse(
      blocks,
      blocks.map(({ feature }) =>
        isHandMade(feature) ? handMadeFeatures[feature].extract(small[i]!) : embeddings[i]!,
      ),
      hidden,
    ),
  );
  return { embeddings: embeddings.flatMap((row) => [...row]), vectors };
}

async function embed(
  { spec, weights, backbone }: NonNullable<ServedModel['network']>,
  pictures: readonly Uint8Array[],
) {
  const size = spec.inputSize;
  const length = size * size * 3;
  const input = new Float32Array(pictures.length * length);
  for (const [i, picture] of pictures.entries()) view(picture, input, i * length, size, pictureSizeFor(size));
  const options = { batch: 3, threads: 1, backbone };
  const { engine } = await openNetworkEngine('onnx', { requireGpu: false }, spec, weights, options);
  const rows = await engine.embed(input, pictures.length);
  await engine.dispose();
  const { embedding } = spec;
  return pictures.map((_, i) => rows.slice(i * embedding, (i + 1) * embedding));
}

/** 1 - cosine; both zero is alike. */
function apart(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  if (dot(a, a) === 0 && dot(b, b) === 0) return 0;
  return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function expectAlike(found: Float32Array, wanted: readonly Float32Array[]): void {
  const length = wanted[0]!.length;
  expect(found).toHaveLength(length * wanted.length);
  for (const [i, row] of wanted.entries()) {
    expect(apart(found.slice(i * length, (i + 1) * length), row), `picture ${i}`).toBeLessThan(1e-5);
  }
}

describe('the exported ONNX file', () => {
  test.each(['hog', 'pixels', 'colour'] as const)('computes %s as we do', async (feature) => {
    const d = handMadeFeatures[feature].length;
    const projection = Float32Array.from({ length: d * d }, (_, i) => Number(i % (d + 1) === 0));
    const model: ServedModel = {
      blocks: [{ feature, weight: 1, mean: new Float32Array(d), projection }],
      network: null,
    };
    const pictures = testPictures(64);
    const { vector } = await runOnnx(exportOnnx(model), { pictures: { pictures, side: 64 } });
    const wanted = pictures.map((picture) => handMadeFeatures[feature].extract(picture));
    for (const [i, row] of wanted.entries()) {
      const largest = row.reduce((most, value, at) => Math.max(most, Math.abs(value - vector[i * d + at]!)), 0);
      expect(largest, `picture ${i}`).toBeLessThan(1e-4);
    }
    expect(new Set(vector).size).toBeGreaterThan(20);
  });

  test('looks with the encoder of the version, at pictures of its own side', async () => {
    const found = (await findEncoder('efficientnet-lite0'))!;
    const { id, dimensions } = found.facts;
    const [last, middle] = [`${id}#last`, `${id}#middle`];
    const eyes = [block(last, 1280, 24, 0.4), block(middle, 672, 16, 0.2)].map((own) => ({
      ...own,
      encoder: found.facts,
    }));
    const model: ServedModel = { blocks: [...goldenBlocks(0.4 / 3), ...eyes], network: null };
    const [small, large] = [testPictures(64), testPictures(224)];
    const bytes = exportOnnx(model, { ...found, bytes: await readFile(found.path) });
    const { vector, ports } = await runOnnx(bytes, {
      pictures: { pictures: small, side: 64 },
      pictures224: { pictures: large, side: 224 },
    });
    expect(ports).toEqual({ inputs: ['pictures', 'pictures224'], outputs: ['vector'] });
    const encoder = await openOnnxEncoder(found, { threads: 1 });
    const seen = await encoder.encode(large);
    await encoder.close();
    const wanted = small.map((picture, i) => {
      const row = seen.subarray(i * dimensions, (i + 1) * dimensions);
      const parts = { [last]: row.subarray(0, 1280), [middle]: row.subarray(1280) };
      return fuse(
        model.blocks,
        model.blocks.map(({ feature }) =>
          isHandMade(feature) ? handMadeFeatures[feature].extract(picture) : parts[feature]!,
        ),
      );
    });
    expectAlike(vector, wanted);
    expect(() => exportOnnx(model)).toThrow(`needs the encoder ${id}`);
  });

  test.each([0, 16])('has only the vector of a model without a network, of %i hidden units', async (units) => {
    const blocks = goldenBlocks(1 / 3);
    const gaussians = (n: number) => Float32Array.from({ length: n }, () => random.gaussian());
    const hidden = { inner: gaussians(units * 21), shift: gaussians(units), outer: gaussians(units * 21) };
    const model: ServedModel = { blocks, network: null, ...(units > 0 && { hidden }) };
    const pictures = testPictures(64);
    const { vector, ports } = await runOnnx(exportOnnx(model), { pictures: { pictures, side: 64 } });
    expect(ports).toEqual({ inputs: ['pictures'], outputs: ['vector'] });
    expectAlike(vector, (await runEngine(model, pictures, pictures)).vectors);
  });

  test.each(['tiny', 'smallSingleScale'])(
    'gives the embeddings and the served vectors of %s from one picture',
    async (preset) => {
      const spec = presetNamed(preset);
      const blocks = [...goldenBlocks(0.2), block('network', spec.embedding, 9, 0.4)];
      const model: ServedModel = { blocks, network: { spec, weights: trainedWeights(spec), backbone: null } };
      const pictures = testPictures(64);
      const found = await runOnnx(exportOnnx(model), { pictures: { pictures, side: 64 } });
      const wanted = await runEngine(model, pictures, pictures);
      expect(found.ports).toEqual({ inputs: ['pictures'], outputs: ['embeddings', 'vector'] });
      expect(relativeError(found.embeddings, wanted.embeddings)).toBeLessThan(1e-4);
      expectAlike(found.vector, wanted.vectors);
    },
  );

  test('asks for a second, common picture where the network reads another size', async () => {
    const spec = presetNamed('standard');
    const blocks = [...goldenBlocks(0.2), block('network', spec.embedding, 9, 0.4)];
    const model: ServedModel = { blocks, network: { spec, weights: trainedWeights(spec), backbone: null } };
    const [large, small] = [testPictures(96), testPictures(64)];
    const feeds = { pictures: { pictures: large, side: 96 }, pictures64: { pictures: small, side: 64 } };
    const found = await runOnnx(exportOnnx(model), feeds);
    const wanted = await runEngine(model, large, small);
    expect(found.ports.inputs).toEqual(['pictures', 'pictures64']);
    expect(relativeError(found.embeddings, wanted.embeddings)).toBeLessThan(1e-4);
    expectAlike(found.vector, wanted.vectors);
  });

  test.each<[string, Partial<Made>]>([
    ['a vector', { opset: 13 }],
    ['a map', { opset: 18, ends: 'map' }],
    ['channels last', { opset: 22, ends: 'map', layout: 'NHWC' }],
    ['a fixed number of pictures', { batch: 7 }],
    ['means of its own', { metadata: { 'simili.mean': '0.1,0.2,0.3', 'simili.deviation': '1,2,3' } }],
  ])('holds the backbone too: %s', async (_name, options) => {
    const made = makeBackbone({ side: 16, ...options });
    const spec = backboneSpec(presetNamed('tiny'), inspectBackbone(made.bytes));
    const blocks = [...goldenBlocks(0.2), block('network', spec.embedding, 9, 0.4)];
    const network = { spec, weights: trainedWeights(spec), backbone: made.bytes };
    const pictures = testPictures(64);
    const found = await runOnnx(exportOnnx({ blocks, network }), { pictures: { pictures, side: 64 } });
    const wanted = await runEngine({ blocks, network }, pictures, pictures);
    expect(relativeError(found.embeddings, wanted.embeddings)).toBeLessThan(1e-4);
    expectAlike(found.vector, wanted.vectors);
  });

  test('a backbone in an operator set that we do not write is told as such', () => {
    const old = edited(makeBackbone().bytes, { 8: () => joined([delimited(1, ''), varint(2, 12)]) });
    const bytes = new Uint8Array(old);
    const spec = backboneSpec(presetNamed('tinySingleScale'), inspectBackbone(bytes));
    const network = { spec, weights: initialWeights(spec, random), backbone: bytes };
    const write = () => exportOnnx({ blocks: [block('network', spec.embedding, 2, 1)], network });
    expect(write).toThrow('Cannot import the backbone: it is written in ONNX operator set 12');
  });
});

describe('joining models', () => {
  /** y = condition ? x + 1 : x - 1, whose branches read x from outside: as many exported networks do. */
  function branching(): Uint8Array {
    const float = (name: string) => joined([delimited(1, name), delimited(2, delimited(1, joined([varint(1, 1)])))]);
    const nodeOf = (type: string, inputs: string[], outputs: string[], ...attributes: Uint8Array[]) =>
      joined([
        ...inputs.map((name) => delimited(1, name)),
        ...outputs.map((name) => delimited(2, name)),
        delimited(4, type),
        ...attributes.map((attribute) => delimited(5, attribute)),
      ]);
    const branch = (name: string, type: string) =>
      joined([
        delimited(1, name),
        delimited(
          6,
          joined([delimited(1, nodeOf(type, ['x', 'one'], ['z'])), delimited(2, name), delimited(12, float('z'))]),
        ),
        varint(20, 5),
      ]);
    const nodes = [
      nodeOf('ReduceMax', ['x'], ['most'], joined([delimited(1, 'keepdims'), varint(3, 0), varint(20, 2)])),
      nodeOf('Greater', ['most', 'one'], ['condition']),
      nodeOf('If', ['condition'], ['y'], branch('then_branch', 'Add'), branch('else_branch', 'Sub')),
    ];
    const one = joined([varint(2, 1), delimited(8, 'one'), delimited(9, Buffer.from(Float32Array.of(1).buffer))]);
    const inside = [
      ...nodes.map((node) => delimited(1, node)),
      delimited(2, 'branching'),
      ...[delimited(5, one), delimited(11, float('x')), delimited(12, float('y'))],
    ];
    const sets = joined([delimited(1, ''), varint(2, 17)]);
    return joined([varint(1, 8), delimited(7, joined(inside)), delimited(8, sets)]);
  }
  const row = (name: string) => ({ name, elementType: 1, dims: ['n'] });

  test('renames what branches within a node read from outside', async () => {
    const part = (prefix: string, ends: Record<string, string>) => ({
      model: branching(),
      rename: (name: string) => ends[name] ?? `${prefix}/${name}`,
    });
    const parts = [part('first', { x: 'in', y: 'between' }), part('second', { x: 'between', y: 'out' })];
    const bytes = joinModels('two', parts, { inputs: [row('in')], outputs: [row('out')] });
    const session = await ort.InferenceSession.create(new Uint8Array(bytes), { logSeverityLevel: 3 });
    const run = async (...values: number[]) => {
      const { out } = await session.run({ in: new ort.Tensor('float32', Float32Array.from(values), [values.length]) });
      return [...(out!.data as Float32Array)];
    };
    expect(await run(5, 0)).toEqual([7, 2]);
    expect(await run(-5, 0)).toEqual([-7, -2]);
    await session.release();
  });

  test('refuses parts in different operator sets', () => {
    const part = (opset: number) => {
      const graph = new Graph(opset);
      graph.output('y', graph.op('Relu', [graph.input('x', ['n'])]), ['n']);
      return { model: graph.bytes('one'), rename: (name: string) => `${opset}${name}` };
    };
    expect(() => joinModels('both', [part(17), part(18)], { inputs: [], outputs: [] })).toThrow('17 and 18');
  });
});
