import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { initialWeights } from '../../src/learning/network/initial-weights.ts';
import { weightShapes } from '../../src/learning/network/shapes.ts';
import type { NetworkSpec, Weights } from '../../src/learning/network/spec.ts';
import { makeRandom } from '../../src/learning/random.ts';
import type { Engine, OpenEngine } from '../../workers/engines/engine.ts';
import {
  embedExactly,
  exactWeights,
  lossExactly,
  measuredGradients,
  relativeError,
} from '../support/oracle-network.ts';

/** Every kind of layer, and what is easy to get wrong: even kernels, strides above 1 and above the kernel, bare paths. */
const spec: NetworkSpec = {
  name: 'specimen',
  inputSize: 12,
  branches: [
    {
      paths: [
        {
          name: 'deep',
          subsample: 1,
          layers: [
            { type: 'orientation', bins: 4, pool: 2 },
            { type: 'conv', name: 'first', kernel: 3, stride: 1, filters: 3 },
            { type: 'relu' },
            { type: 'conv', name: 'strided', kernel: 3, stride: 2, filters: 4 },
            { type: 'relu' },
            { type: 'conv', name: 'even', kernel: 2, stride: 1, filters: 3 },
            { type: 'dense', name: 'wide', units: 6 },
            { type: 'relu' },
            { type: 'dense', name: 'last', units: 5 },
          ],
        },
      ],
    },
    {
      paths: [
        {
          name: 'low',
          subsample: 2,
          layers: [
            { type: 'conv', name: 'conv', kernel: 5, stride: 2, filters: 3 },
            { type: 'relu' },
            { type: 'maxPool', size: 3 },
          ],
        },
        {
          name: 'sparse',
          subsample: 1,
          layers: [
            { type: 'conv', name: 'first', kernel: 3, stride: 1, filters: 2 },
            { type: 'maxPool', size: 2 },
            { type: 'relu' },
            { type: 'conv', name: 'skipping', kernel: 1, stride: 4, filters: 3 },
          ],
        },
        { name: 'bare', subsample: 4, layers: [] },
      ],
    },
  ],
  embedding: 4,
};
const triplets = 2;
const gap = 0.02;
const loss = { kind: 'tripletHinge', gap } as const;
const length = spec.inputSize ** 2 * 3;

/** Biases too, which start at 0, so that no term of the formulas goes untested. */
const weightsFrom = (seed: number): Weights => {
  const random = makeRandom(seed);
  const weights = initialWeights(spec, random);
  for (const [name, { data }] of Object.entries(weights)) {
    if (name.endsWith('.bias')) data.set(Array.from(data, () => 0.2 * random.gaussian()));
  }
  return weights;
};
/** Noise of another colour and contrast in each picture, so that they lie apart. */
const picturesFrom = (seed: number, n: number) => {
  const random = makeRandom(seed);
  const pictures = new Float32Array(n * length);
  for (let i = 0; i < n; i++) {
    const colour = [random.next(), random.next(), random.next()];
    const contrast = random.next();
    for (let j = 0; j < length; j++) {
      pictures[i * length + j] = contrast * random.next() + (1 - contrast) * colour[j % 3]!;
    }
  }
  return pictures;
};
/** [q0, q1, p0, p1, n0, n1]: one triplet that its negative wins, and one where the positive is nearly the query. */
function batchFrom(seed: number): Float32Array {
  const pictures = picturesFrom(seed, 3 * triplets);
  const faded = (i: number) => pictures.slice(i * length, (i + 1) * length).map((value) => 0.9 * value);
  pictures.set(faded(0), 4 * length);
  pictures.set(faded(1), 3 * length);
  return pictures;
}
/** Where each check starts from: shared by all engines, since measuring takes a second. */
const weights = weightsFrom(1);
const batch = batchFrom(3);
const expected = lossExactly(spec, exactWeights(weights), batch, gap);
const measured = measuredGradients(spec, exactWeights(weights), batch, gap);

/** What every engine must do, checked against plain loops in float64 and against finite differences of them. */
export function describeEngine(name: string, open: OpenEngine): void {
  describe(`engine ${name}`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await open(spec, weights, { triplets, threads: 1 });
    });
    afterAll(() => engine.dispose());

    test('embeds as the definition says, in rows of unit length', async () => {
      const rows = embedExactly(spec, exactWeights(weights), batch);
      const embedded = await engine.embed(batch, 3 * triplets);
      expect(relativeError(embedded, rows.flat())).toBeLessThan(1e-5);
      rows.forEach((_, i) => {
        expect(Math.hypot(...embedded.subarray(i * spec.embedding, (i + 1) * spec.embedding))).toBeCloseTo(1, 5);
      });
    });

    test('embeds one picture or many alike', async () => {
      const n = 150;
      const pictures = picturesFrom(2, n);
      const together = await engine.embed(pictures, n);
      for (const i of [0, 63, 64, 149]) {
        const alone = await engine.embed(pictures.slice(i * length, (i + 1) * length), 1);
        expect(relativeError(alone, together.subarray(i * spec.embedding, (i + 1) * spec.embedding))).toBeLessThan(
          1e-5,
        );
      }
      expect(together).toHaveLength(n * spec.embedding);
    });

    test('finds the loss of triplets of which some cost nothing', async () => {
      const got = await engine.gradients(batch, loss);
      expect(expected.activeShare).toBeGreaterThan(0);
      expect(expected.activeShare).toBeLessThan(1);
      expect(got.loss).toBeCloseTo(expected.loss, 5);
      expect(got.activeShare).toBeCloseTo(expected.activeShare, 5);
    });

    test('finds the gradients that finite differences measure', async () => {
      const { gradients } = await engine.gradients(batch, loss);
      for (const [weight, slopes] of Object.entries(measured)) {
        expect(Math.hypot(...slopes), `${weight} matters`).toBeGreaterThan(1e-4);
        // float32 against float64; the worst tensor of the least careful sum is at 1e-5.
        expect(relativeError(gradients[weight]!.data, slopes), weight).toBeLessThan(5e-5);
      }
    });

    test('names the gradients and shapes them as the weights', async () => {
      const { gradients } = await engine.gradients(batch, loss);
      const shapes = Object.entries(gradients).map(([weight, { shape }]) => [weight, [...shape]]);
      expect(shapes).toEqual(Object.entries(weightShapes(spec)));
    });

    test('takes the gap of each call', async () => {
      const wide = await engine.gradients(batch, { ...loss, gap: 3.9 });
      expect(wide.loss).toBeCloseTo(lossExactly(spec, exactWeights(weights), batch, 3.9).loss, 4);
    });

    test('stays finite on blank pictures', async () => {
      const blank = new Float32Array(3 * triplets * length);
      const { gradients } = await engine.gradients(blank, loss);
      const values = [
        ...(await engine.embed(blank, 3 * triplets)),
        ...Object.values(gradients).flatMap(({ data }) => [...data]),
      ];
      expect(values.every(Number.isFinite)).toBe(true);
    });

    test('uses the weights that were set last, as they were then', async () => {
      const other = weightsFrom(4);
      const rows = embedExactly(spec, exactWeights(other), batch);
      const { loss: otherLoss } = lossExactly(spec, exactWeights(other), batch, gap);
      const second = await open(spec, weights, { triplets, threads: 1 });
      await second.embed(batch, 3 * triplets);
      await second.setWeights(other);
      for (const { data } of Object.values(other)) data.fill(0);
      expect(relativeError(await second.embed(batch, 3 * triplets), rows.flat())).toBeLessThan(1e-5);
      expect((await second.gradients(batch, loss)).loss).toBeCloseTo(otherLoss, 5);
      await second.dispose();
    });

    test('refuses weights and pictures of the wrong size', async () => {
      const { 'embedding.bias': bias, ...incomplete } = weights;
      await expect(engine.setWeights(incomplete)).rejects.toThrow('embedding.bias');
      const wrong = { ...incomplete, 'embedding.bias': { shape: [5], data: new Float32Array(5) } };
      await expect(engine.setWeights(wrong)).rejects.toThrow('embedding.bias');
      await expect(engine.embed(batch, 2)).rejects.toThrow();
      await expect(engine.gradients(batch.subarray(length), loss)).rejects.toThrow();
      expect(bias).toBeDefined();
      expect((await engine.gradients(batch, loss)).loss).toBeCloseTo(expected.loss, 5);
    });

    test('is gone after dispose, and takes no other engine with it', async () => {
      const second = await open(spec, weights, { triplets, threads: 1 });
      await second.dispose();
      await expect(second.embed(batch, 3 * triplets)).rejects.toThrow();
      expect((await engine.gradients(batch, loss)).loss).toBeCloseTo(expected.loss, 5);
    });
  });
}
