import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import type { Loss } from '../../learning/losses/loss.ts';
import { initialWeights } from '../../learning/network/initial-weights.ts';
import { describeNetwork, dropoutLayers } from '../../learning/network/shapes.ts';
import type { Layer, NetworkSpec, Weights } from '../../learning/network/spec.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { embeddingModel } from '../../workers/engines/onnx/index.ts';
import { chunkSize } from '../../workers/engines/onnx/layers/in-chunks.ts';
import { OnnxEngine } from '../../workers/engines/onnx/onnx-engine.ts';
import { cpuDevice, type Device, loadRuntime } from '../../workers/engines/onnx/runtime.ts';
import { relativeError } from '../support/oracle-network.ts';

const normedConv = (name: string, filters: number): readonly Layer[] => [
  { type: 'conv', name, kernel: 3, stride: 1, filters },
  { type: 'batchNorm', name: `${name}Norm` },
];
/** With all that changes between training and embedding, and maps wide enough for the blocked convolutions. */
const normed: NetworkSpec = {
  name: 'normed',
  inputSize: 12,
  branches: [
    {
      paths: [
        {
          name: 'deep',
          subsample: 1,
          layers: [
            ...normedConv('first', 16),
            { type: 'relu' },
            { type: 'batchNorm', name: 'alone' },
            { type: 'maxPool', size: 3, stride: 2 },
            { type: 'residual', layers: [...normedConv('inner', 16), { type: 'relu' }, ...normedConv('last', 16)] },
            { type: 'relu' },
            { type: 'localResponseNorm', size: 5, k: 2, alpha: 0.1, beta: 0.75 },
            { type: 'dense', name: 'dense', units: 10 },
            { type: 'batchNorm', name: 'denseNorm' },
            { type: 'relu' },
            { type: 'dropout', name: 'dropout', keep: 0.6 },
          ],
        },
      ],
    },
    {
      paths: [
        { name: 'low', subsample: 5, layers: [{ type: 'conv', name: 'conv', kernel: 2, stride: 1, filters: 32 }] },
      ],
    },
  ],
  embedding: 6,
};
/** Large maps, so that the CPU takes a batch in several chunks, the last of them smaller. */
const wide: NetworkSpec = {
  name: 'wide',
  inputSize: 40,
  branches: [
    {
      paths: [
        {
          name: 'deep',
          subsample: 1,
          layers: [
            { type: 'conv', name: 'first', kernel: 3, stride: 1, filters: 128 },
            { type: 'relu' },
            { type: 'maxPool', size: 2 },
            { type: 'conv', name: 'second', kernel: 5, stride: 2, padding: 1, filters: 16 },
            { type: 'relu' },
            { type: 'maxPool', size: 3, stride: 2, padding: 'same' },
            { type: 'dense', name: 'dense', units: 8 },
          ],
        },
      ],
    },
    {
      paths: [
        {
          name: 'front',
          subsample: 1,
          layers: [
            // 12 channels, then 24: no whole blocks.
            { type: 'orientation', bins: 9, pool: 4 },
            { type: 'conv', name: 'first', kernel: 3, stride: 1, filters: 16 },
            { type: 'relu' },
            { type: 'conv', name: 'second', kernel: 3, stride: 1, filters: 24 },
            { type: 'averagePool', size: 2 },
            { type: 'conv', name: 'third', kernel: 2, stride: 1, filters: 16 },
          ],
        },
      ],
    },
  ],
  embedding: 4,
};
const batch = 12;
const runtime = await loadRuntime();
const cpu = await cpuDevice(runtime, 1);
const plainCpu: Device = { ...cpu, block: 1 };
const open = (spec: NetworkSpec, weights: Weights, device = cpu) =>
  new OnnxEngine(runtime, device, spec, weights, { batch, threads: 1 });

function weightsOf(spec: NetworkSpec): Weights {
  const random = makeRandom(1);
  const weights = initialWeights(spec, random);
  for (const [name, { data }] of Object.entries(weights)) {
    if (!name.endsWith('.kernel')) data.set(data.map((value) => value + 0.3 * random.next()));
  }
  return weights;
}
function batchOf(spec: NetworkSpec, keepAll = false) {
  const random = makeRandom(2);
  const masks = dropoutLayers(describeNetwork(spec)).map(({ name, length, keep }) => {
    const mask = Float32Array.from({ length: batch * length }, () => (random.next() < keep ? 1 / keep : 0));
    return [name, keepAll ? mask.fill(1) : mask];
  });
  // Each of another colour and contrast, so that their vectors lie apart and rounding stays rounding.
  const length = spec.inputSize ** 2 * 3;
  const pictures = new Float32Array(batch * length);
  for (let i = 0; i < batch; i++) {
    const colour = [random.next(), random.next(), random.next()];
    const contrast = random.next();
    for (let j = 0; j < length; j++) {
      pictures[i * length + j] = contrast * random.next() + (1 - contrast) * colour[j % 3]!;
    }
  }
  return { pictures, masks: Object.fromEntries(masks) as Record<string, Float32Array> };
}
const gaps = Float32Array.of(0.9, 0.5, 0.02, 1.5);
const hinge: Loss = { kind: 'tripletHinge', gaps };
/** One target each, and none for the last row. */
const targets = new Float32Array(batch * batch);
const pairs = new Float32Array(batch * batch);
for (let i = 0; i < batch - 1; i++) {
  targets[i * batch + ((i + 5) % (batch - 1))] = 1;
  for (let j = 0; j < batch; j++) if (i !== j) pairs[i * batch + j] = (i + j) % 3 === 0 ? 1 : -1;
}
const losses: readonly Loss[] = [
  hinge,
  { kind: 'infoNce', temperature: 0.5, targets },
  { kind: 'multiSimilarity', alpha: 2, beta: 50, base: 0.5, pairs },
  { kind: 'softmax', labels: Int32Array.from({ length: batch }, (_, i) => i % 4) },
];

test('a folded network embeds as the training graph does with the same statistics', async () => {
  const weights = weightsOf(normed);
  const input = batchOf(normed, true);
  const engine = open(normed, weights);
  const { loss, statistics } = await engine.gradients(input, hinge);
  await engine.setWeights({ ...weights, ...statistics });
  const rows = await engine.embed(input.pictures, batch);
  await engine.dispose();
  expect(Object.keys(statistics)).toHaveLength(10);
  expect(loss).toBeGreaterThan(0.1);
  expect(loss).toBeCloseTo(hingeOf(rows, normed.embedding), 5);
});

/** Plain loops over the rows of queries, positives and negatives. */
function hingeOf(rows: Float32Array, dimensions: number): number {
  const distance = (i: number, j: number) => {
    let sum = 0;
    for (let d = 0; d < dimensions; d++) sum += (rows[i * dimensions + d]! - rows[j * dimensions + d]!) ** 2;
    return sum;
  };
  const costs = gaps.map((gap, i) => Math.max(0, gap + distance(i, i + 4) - distance(i, i + 8)));
  return costs.reduce((sum, cost) => sum + cost, 0) / gaps.length;
}

test('the wide network is taken in several chunks, the last of them smaller', () => {
  const size = chunkSize({ batch, block: 16 }, describeNetwork(wide).branches[0]!.paths[0]!.layers);
  expect([size, batch % size]).toEqual([5, 2]);
});

test.each([normed, wide])('blocked convolutions in chunks change nothing but rounding: $name', async (spec) => {
  const [plain, blocked] = [plainCpu, cpu].map((device) => open(spec, weightsOf(spec), device)) as [
    OnnxEngine,
    OnnxEngine,
  ];
  const input = batchOf(spec);
  // What the last bit of the pictures is worth: some sums cancel.
  const nudged = {
    ...input,
    pictures: input.pictures.map((value, i) => (i % 2 === 0 ? value * (1 + 2 ** -23) : value)),
  };
  for (const loss of losses) {
    const [wanted, moved] = [await plain.gradients(input, loss), await plain.gradients(nudged, loss)];
    const got = await blocked.gradients(input, loss);
    expect(got.loss).toBeCloseTo(wanted.loss, 5);
    expect(got.activeShare).toBeCloseTo(wanted.activeShare, 5);
    for (const [name, { data }] of Object.entries({ ...wanted.gradients, ...wanted.statistics })) {
      // The bias in front of a batch normalisation has the gradient 0: rounding is all of it.
      if (Math.hypot(...data) < 1e-6) continue;
      const of = (result: typeof got) => ({ ...result.gradients, ...result.statistics })[name]!.data;
      const limit = 1e-5 + 2 * relativeError(of(moved), data);
      expect(limit).toBeLessThan(1e-3);
      expect(relativeError(of(got), data), `${loss.kind}, ${name}`).toBeLessThan(limit);
    }
  }
  await Promise.all([plain.dispose(), blocked.dispose()]);
});

test('the same call gives the same bits, with every loss', async () => {
  const engine = open(wide, weightsOf(wide));
  const input = batchOf(wide);
  for (const loss of losses) expect(await engine.gradients(input, loss)).toEqual(await engine.gradients(input, loss));
  expect(await engine.embed(input.pictures, batch)).toEqual(await engine.embed(input.pictures, batch));
  await engine.dispose();
});

test('the portable file gives the same vectors in every operator set, for any number of pictures', async () => {
  const weights = weightsOf(normed);
  const { pictures } = batchOf(normed);
  const engine = open(normed, weights);
  const expected = await engine.embed(pictures, batch);
  await engine.dispose();
  for (let opset = 13; opset <= 22; opset++) {
    const session = await InferenceSession.create(embeddingModel(normed, weights, opset));
    for (const n of [1, batch]) {
      const values = pictures.slice(0, n * normed.inputSize ** 2 * 3);
      const { embeddings } = await session.run({ pictures: new Tensor(values, [n, 12, 12, 3]) });
      expect(embeddings!.dims).toEqual([n, normed.embedding]);
      const wanted = expected.slice(0, n * normed.embedding);
      expect(relativeError(embeddings!.data as Float32Array, wanted), `operator set ${opset}`).toBeLessThan(1e-6);
    }
    await session.release();
  }
  for (const opset of [12, 23, 17.5]) expect(() => embeddingModel(normed, weights, opset)).toThrow(RangeError);
});

test('every session that was opened is released: by new weights, and in the end', async () => {
  const counts = { opened: 0, released: 0 };
  const counting: Device = {
    ...cpu,
    open: async (...args) => {
      const session = await cpu.open(...args);
      counts.opened++;
      const release = session.release.bind(session);
      session.release = async () => {
        counts.released++;
        await release();
      };
      return session;
    },
  };
  const engine = open(wide, weightsOf(wide), counting);
  const input = batchOf(wide);
  await engine.embed(input.pictures, batch);
  await engine.setWeights(weightsOf(wide));
  expect(counts).toEqual({ opened: 1, released: 1 });
  await engine.embed(input.pictures, batch);
  for (const loss of losses) await engine.gradients(input, loss);
  expect(counts).toEqual({ opened: 6, released: 1 });
  await engine.dispose();
  await engine.dispose();
  expect(counts).toEqual({ opened: 6, released: 6 });
  await expect(engine.embed(input.pictures, batch)).rejects.toThrow('disposed');
});

test('a batch, a mask or a loss of another size is refused by name', async () => {
  const engine = open(normed, weightsOf(normed));
  const input = batchOf(normed);
  const short = input.pictures.subarray(1);
  await expect(engine.gradients({ ...input, pictures: short }, hinge)).rejects.toThrow('12 pictures of 12x12x3');
  await expect(engine.gradients({ pictures: input.pictures }, hinge)).rejects.toThrow('deep.dropout');
  await expect(engine.gradients(input, { ...hinge, gaps: gaps.subarray(1) })).rejects.toThrow('gaps');
  const labels = new Int32Array(batch).fill(normed.embedding);
  await expect(engine.gradients(input, { kind: 'softmax', labels })).rejects.toThrow('Label 6');
  await engine.dispose();
});
