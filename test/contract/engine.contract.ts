import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Loss } from '../../learning/losses/loss.ts';
import { isStatistic, weightShapes } from '../../learning/network/shapes.ts';
import type { NetworkSpec, Weights } from '../../learning/network/spec.ts';
import type { Engine, Features, OpenEngine, TrainingBatch } from '../../workers/engines/engine.ts';
import {
  embedExactly,
  exactWeights,
  measuredGradients,
  relativeError,
  trainExactly,
} from '../support/oracle-network.ts';
import { batchFrom, hinge, losses, pictures, proxies, type Specimen, specimens, weightsFrom } from './specimens.ts';

/** Relative, Euclidean, per tensor: what float32 may lose against float64. */
const BOUND = 1e-5;
const options = { batch: pictures, threads: 1 };

/** Measured once in a process, however many engines are compared with it. */
const measurements = new Map<Specimen, Record<string, number[]>>();
function measured(specimen: Specimen): Record<string, number[]> {
  const { spec, weights, batch, loss } = specimen;
  const found = measurements.get(specimen) ?? measuredGradients(spec, exactWeights(weights), batch, loss);
  measurements.set(specimen, found);
  return found;
}

const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));

/** The contract of engines, checked against plain loops in float64 and against finite differences of them. */
export function describeEngine(name: string, open: OpenEngine): void {
  describeArithmetic(name, open);
  describeManners(name, open);
}

/** Every layer and every loss. */
export function describeArithmetic(name: string, open: OpenEngine): void {
  describeLongSums(name, open);
  describeTies(name, open);
  describe.each(specimens)(`engine ${name}: network $spec.name, loss $loss.kind`, (specimen) => {
    const { spec, weights, batch, loss, idle } = specimen;
    let engine: Engine;
    beforeAll(async () => {
      engine = await open(spec, weights, options);
    });
    afterAll(() => engine.dispose());

    test('embeds as the definition says, in rows of unit length', async () => {
      const rows = embedExactly(spec, exactWeights(weights), batch);
      const embedded = await engine.embed(batch.pictures, pictures, batch.features);
      expect(relativeError(embedded, rows.flat())).toBeLessThan(BOUND);
      rows.forEach((_, i) => {
        expect(norm(embedded.subarray(i * spec.embedding, (i + 1) * spec.embedding))).toBeCloseTo(1, 5);
      });
    });

    test('finds the loss, its active share and the statistics of the batch', async () => {
      const got = await engine.gradients(batch, loss);
      const wanted = trainExactly(spec, exactWeights(weights), batch, loss);
      expect(got.loss).toBeCloseTo(wanted.loss, 5);
      expect(got.activeShare).toBeCloseTo(wanted.activeShare, 5);
      expect(Object.keys(got.statistics)).toEqual(Object.keys(weightShapes(spec)).filter(isStatistic));
      for (const [statistic, { data }] of Object.entries(got.statistics)) {
        expect(relativeError(data, wanted.statistics[statistic]!), statistic).toBeLessThan(BOUND);
      }
    });

    test('finds the gradients that finite differences measure', async () => {
      const { gradients } = await engine.gradients(batch, loss);
      for (const [weight, slopes] of Object.entries(measured(specimen))) {
        const got = gradients[weight]!.data;
        if (idle.includes(weight)) {
          const kernel = gradients[weight.replace('.bias', '.kernel')]!.data;
          expect(norm(got), weight).toBeLessThan(BOUND * norm(kernel));
          continue;
        }
        expect(norm(slopes), `${weight} matters`).toBeGreaterThan(1e-3);
        expect(relativeError(got, slopes), weight).toBeLessThan(BOUND);
      }
    });

    test('names the gradients and shapes them as the trained weights', async () => {
      const { gradients } = await engine.gradients(batch, loss);
      const shapes = Object.entries(gradients).map(([weight, { shape }]) => [weight, [...shape]]);
      expect(shapes).toEqual(Object.entries(weightShapes(spec)).filter(([weight]) => !isStatistic(weight)));
    });
  });
}

/**
 * Sums of more than 2,000 products, as the 4,096 values of the paper's layers have: some devices take another way there. Too
 * many weights to move one by one: each tensor is moved along its gradient, where the slope is the gradient's length.
 */
function describeLongSums(name: string, open: OpenEngine): void {
  test(`engine ${name}: finds the loss and the gradients of rows of more than 2,000 values`, async () => {
    const { spec, weights, batch } = longRows();
    const loss = losses.infoNce;
    const engine = await open(spec, weights, options);
    const { loss: found, gradients } = await engine.gradients(batch, loss);
    await engine.dispose();
    const exact = exactWeights(weights);
    const lossOf = (changed: typeof exact) => trainExactly(spec, changed, batch, loss).loss;
    expect(found).toBeCloseTo(lossOf(exact), 5);
    for (const [weight, { data }] of Object.entries(gradients)) {
      const length = norm(data);
      const moved = (by: number) => ({
        ...exact,
        [weight]: exact[weight]!.map((value, i) => value + (by * data[i]!) / length),
      });
      const slope = (lossOf(moved(1e-5)) - lossOf(moved(-1e-5))) / 2e-5;
      expect(slope / length, weight).toBeCloseTo(1, 4);
    }
  });
}

/** Blank parts of pictures are equal values. */
function describeTies(name: string, open: OpenEngine): void {
  test(`engine ${name}: sends the gradient of a max pool to the first of equal values`, async () => {
    const { spec, weights, tied } = equalPixels();
    const engine = await open(spec, weights, options);
    const byKernel = async (pixels: Float32Array) =>
      (await engine.gradients({ pictures: pixels }, losses.tripletHinge)).gradients['path.conv.kernel']!.data;
    const found = await byKernel(tied.equal);
    // With one pixel a shade above the others there is no choice.
    expect(relativeError(found, await byKernel(tied.first))).toBeLessThan(1e-3);
    expect(relativeError(found, await byKernel(tied.last))).toBeGreaterThan(1e-1);
    await engine.dispose();
  });
}

/** Two dense layers on pictures of 8 x 8. */
function longRows() {
  const spec: NetworkSpec = {
    name: 'long',
    inputSize: 8,
    branches: [{ paths: [{ name: 'path', subsample: 2, layers: [{ type: 'dense', name: 'dense', units: 24 }] }] }],
    embedding: 2048,
  };
  return { spec, weights: weightsFrom(spec, 7), batch: batchFrom(spec, 8) };
}

/** Sizes, edges, and what happens from one call to the next. */
function describeManners(name: string, open: OpenEngine): void {
  describe(`engine ${name}`, () => {
    const { spec, weights, batch } = specimens[0]!;
    const loss = losses.tripletHinge;
    const length = spec.inputSize ** 2 * 3;
    let engine: Engine;
    beforeAll(async () => {
      engine = await open(spec, weights, options);
    });
    afterAll(() => engine.dispose());

    test('embeds one picture or many alike, each with its own features', async () => {
      const { spec: backed, weights: own } = specimenNamed('headed');
      const second = await open(backed, own, options);
      const n = 150;
      const many = batchFrom(backed, 2, n);
      const together = await second.embed(many.pictures, n, many.features);
      for (const i of [0, 63, 64, 149]) {
        const { pictures: picture, features } = only(backed, many, i);
        const alone = await second.embed(picture, 1, features);
        const row = together.subarray(i * backed.embedding, (i + 1) * backed.embedding);
        expect(relativeError(alone, row)).toBeLessThan(BOUND);
      }
      expect(together).toHaveLength(n * backed.embedding);
      await second.dispose();
    });

    test('counts a triplet that costs nothing as inactive, and takes the gaps of each call', async () => {
      // One triplet whose positive is nearly the query, and one whose negative is.
      const faded = (i: number) => batch.pictures.slice(i * length, (i + 1) * length).map((value) => 0.95 * value);
      const mixed = { ...batch, pictures: batch.pictures.slice() };
      mixed.pictures.set(faded(0), 2 * length);
      mixed.pictures.set(
        faded(0).map((value) => 1 - value),
        4 * length,
      );
      mixed.pictures.set(faded(1), 5 * length);
      for (const gaps of [hinge(0.01, 0.25), hinge(0.25, 0.01), hinge(3.5, 3.75)]) {
        const got = await engine.gradients(mixed, gaps);
        const wanted = trainExactly(spec, exactWeights(weights), mixed, gaps);
        expect(got.loss).toBeCloseTo(wanted.loss, 5);
        expect(got.activeShare).toBe(wanted.activeShare);
      }
      expect((await engine.gradients(mixed, hinge(0.01, 0.01))).activeShare).toBe(0.5);
    });

    test('takes every loss in turn, and its numbers from each call', async () => {
      const sharp = [
        { ...losses.infoNce, temperature: 0.0625 },
        { ...losses.multiSimilarity, alpha: 4, beta: 50, base: 0.75 },
        { ...losses.softmax, labels: Int32Array.of(3, 2, 1, 0, 1, 2) },
        {
          ...losses.distillation,
          vectors: losses.distillation.vectors.subarray(0, 24),
          temperature: 0.5,
          regression: 2,
        },
        losses.infoNce,
      ];
      for (const each of sharp) {
        const got = await engine.gradients(batch, each);
        const wanted = trainExactly(spec, exactWeights(weights), batch, each);
        expect(relativeError([got.loss, got.activeShare], [wanted.loss, wanted.activeShare]), each.kind).toBeLessThan(
          BOUND,
        );
      }
    });

    test('costs nothing where no row has a target', async () => {
      const targets = new Float32Array(pictures ** 2);
      const found = await engine.gradients(batch, { ...losses.infoNce, targets });
      expect(found).toMatchObject({ loss: 0, activeShare: 0 });
      for (const { data } of Object.values(found.gradients)) expect(norm(data)).toBe(0);
    });

    test('stays finite on blank pictures', async () => {
      for (const { spec: each, weights: own, batch: full } of specimens) {
        const second = await open(each, own, options);
        const blank = { ...full, pictures: new Float32Array(full.pictures.length) };
        for (const plain of Object.values(losses)) {
          if (each.proxies && plain.kind === 'softmax') continue; // learns from categories itself
          const kind = (each.proxies ? { ...plain, proxies } : plain) as Loss;
          // The loss of a softmax has labels of as many classes as the embedding is long.
          if (kind.kind === 'softmax' && each.embedding < 5) continue;
          if (kind.kind === 'distillation' && each.embedding !== 5) continue; // its vectors are as long
          const { gradients } = await second.gradients(blank, kind);
          const values = [
            ...(await second.embed(blank.pictures, pictures, full.features)),
            ...Object.values(gradients).flatMap(({ data }) => [...data]),
          ];
          expect(values.every(Number.isFinite), `${each.name} ${kind.kind}`).toBe(true);
        }
        await second.dispose();
      }
    });

    test('uses the weights that were set last, as they were then', async () => {
      const other = weightsFrom(spec, 4);
      const rows = embedExactly(spec, exactWeights(other), batch);
      const { loss: otherLoss } = trainExactly(spec, exactWeights(other), batch, loss);
      const second = await open(spec, weights, options);
      await second.embed(batch.pictures, pictures);
      await second.setWeights(other);
      for (const { data } of Object.values(other)) data.fill(0);
      expect(relativeError(await second.embed(batch.pictures, pictures), rows.flat())).toBeLessThan(BOUND);
      expect((await second.gradients(batch, loss)).loss).toBeCloseTo(otherLoss, 5);
      await second.dispose();
    });

    test('refuses weights, pictures, masks, features and losses of the wrong size', async () => {
      const { 'embedding.bias': _, ...incomplete } = weights;
      await expect(engine.setWeights(incomplete)).rejects.toThrow('embedding.bias');
      const wrong = { ...incomplete, 'embedding.bias': { shape: [5], data: new Float32Array(5) } };
      await expect(engine.setWeights(wrong)).rejects.toThrow('embedding.bias');
      await expect(engine.embed(batch.pictures, 2)).rejects.toThrow('pictures');
      const fewer = { ...batch, pictures: batch.pictures.subarray(length) };
      await expect(engine.gradients(fewer, loss)).rejects.toThrow('pictures');
      await expect(engine.gradients(batch, hinge(1))).rejects.toThrow('gaps');
      const short = new Float32Array(5);
      await expect(engine.gradients(batch, { ...losses.infoNce, targets: short })).rejects.toThrow('targets');
      const taught = losses.distillation;
      await expect(engine.gradients(batch, { ...taught, targets: short })).rejects.toThrow('targets');
      await expect(engine.gradients(batch, { ...taught, vectors: short })).rejects.toThrow('vectors');
      await expect(engine.gradients(batch, { ...losses.multiSimilarity, pairs: short })).rejects.toThrow('pairs');
      await expect(engine.gradients(batch, { ...losses.softmax, labels: Int32Array.of(1) })).rejects.toThrow('labels');
      const unknown = Int32Array.of(0, 1, 2, 3, 4, 0); // classes are 0 to 3
      await expect(engine.gradients(batch, { ...losses.softmax, labels: unknown })).rejects.toThrow('Label 4');
      expect(Number.isFinite((await engine.gradients(batch, loss)).loss)).toBe(true);

      const dropping = await opened(open, 'alexNet');
      const { batch: masked } = specimenNamed('alexNet');
      const { masks: __, ...bare } = masked;
      await expect(dropping.gradients(bare, loss)).rejects.toThrow('mask');
      await dropping.dispose();
      const backed = await opened(open, 'headed');
      const { batch: full } = specimenNamed('headed');
      await expect(backed.embed(full.pictures, pictures)).rejects.toThrow('features');
      await expect(backed.gradients({ pictures: full.pictures }, loss)).rejects.toThrow('features');
      await backed.dispose();
    });

    test('refuses proxies that the network or the loss has not, and categories that are none of them', async () => {
      await expect(engine.gradients(batch, { ...loss, proxies })).rejects.toThrow('with proxies');
      const { spec: own, weights: trained, batch: full } = specimenNamed('categorised');
      const second = await opened(open, 'categorised');
      await expect(second.gradients(full, losses.infoNce)).rejects.toThrow('without proxies');
      const unknown = { ...proxies, labels: Int32Array.of(0, 1, 2, 3, -1, 0) }; // categories are 0 to 2
      await expect(second.gradients(full, { ...losses.infoNce, proxies: unknown })).rejects.toThrow('Label 3');
      const uncategorised = { ...losses.infoNce, proxies: { ...proxies, labels: new Int32Array(6).fill(-1) } };
      const found = await second.gradients(full, uncategorised);
      expect(found.loss).toBeCloseTo(trainExactly(own, exactWeights(trained), full, losses.infoNce).loss, 5);
      expect(norm(found.gradients['proxies.rows']!.data)).toBe(0);
      await second.dispose();
    });

    test('is gone after dispose, and takes no other engine with it', async () => {
      const before = await engine.gradients(batch, loss);
      const second = await open(spec, weights, options);
      await second.dispose();
      await second.dispose();
      await expect(second.embed(batch.pictures, pictures)).rejects.toThrow();
      expect((await engine.gradients(batch, loss)).loss).toBe(before.loss);
    });
  });
}

const specimenNamed = (name: string): Specimen => specimens.find(({ spec }) => spec.name === name)!;
function opened(open: OpenEngine, name: string): Promise<Engine> {
  const { spec, weights } = specimenNamed(name);
  return open(spec, weights, options);
}

/** The i-th picture of a batch, with its features. */
function only({ inputSize }: NetworkSpec, { pictures: all, features = {} }: TrainingBatch, i: number) {
  const n = all.length / inputSize ** 2 / 3;
  const row = (values: Float32Array) => values.slice((i * values.length) / n, ((i + 1) * values.length) / n);
  const own: Features = Object.fromEntries(Object.entries(features).map(([path, values]) => [path, row(values)]));
  return { pictures: row(all), features: own };
}

/**
 * A max pool over values that are equal, while the pixels that they are made of are not: its convolution looks at red only,
 * and the pixels of a window differ in green, so that the slope by the weight of green tells which pixel was taken.
 */
function equalPixels() {
  const spec: NetworkSpec = {
    name: 'equal',
    inputSize: 4,
    branches: [
      {
        paths: [
          {
            name: 'path',
            subsample: 1,
            layers: [
              { type: 'conv', name: 'conv', kernel: 1, stride: 1, filters: 2 },
              { type: 'maxPool', size: 2 },
            ],
          },
        ],
      },
    ],
    embedding: 5,
  };
  const weights: Weights = weightsFrom(spec, 5);
  weights['path.conv.kernel']!.data.set([1, 0.5, 0, 0, 0, 0]); // red, green, blue to 2 filters
  /** One red in each picture, a shade more of it where `raised` says so. */
  const withRed = (raised: (y: number, x: number) => boolean) => {
    const values = batchFrom(spec, 6).pictures;
    for (let i = 0; i < values.length / 3; i++) {
      const [picture, y, x] = [Math.floor(i / 16), Math.floor(i / 4) % 4, i % 4];
      values[3 * i] = 0.2 + 0.1 * picture + (raised(y, x) ? 1e-4 : 0);
    }
    return values;
  };
  const tied = {
    equal: withRed(() => false),
    first: withRed((y, x) => y % 2 === 0 && x % 2 === 0),
    last: withRed((y, x) => y % 2 === 1 && x % 2 === 1),
  };
  return { spec, weights, tied };
}
