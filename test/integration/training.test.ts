import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { embeddingAlone } from '../../lab/methods/networks.ts';
import { GOLDEN, goldenOf } from '../../learning/features/golden.ts';
import { handMadeFeatures } from '../../learning/features/index.ts';
import { decodeModel, encodeModel } from '../../learning/models/artefact.ts';
import { decodeSafetensors, encodeSafetensors } from '../../learning/models/safetensors.ts';
import { presetNamed } from '../../learning/network/presets.ts';
import { withoutProxies } from '../../learning/network/shapes.ts';
import { toHalf } from '../../learning/numbers/half.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { recipeNamed } from '../../learning/recipes/recipe.ts';
import { SeenPairs } from '../../learning/relevance/seen-pairs.ts';
import type { SimiliError } from '../../src/errors.ts';
import { openHandMade } from '../../workers/training/data/hand-made.ts';
import { makePictureStore } from '../../workers/training/data/picture-store.ts';
import { embed } from '../../workers/training/embed/embed.ts';
import { sideBySide } from '../../workers/training/features/blocks.ts';
import { type KnownMaps, keepMaps } from '../../workers/training/features/known-maps.ts';
import type { Fit } from '../../workers/training/fit.ts';
import { startOfRanking, trainedNetwork } from '../../workers/training/network/index.ts';
import { keepingOf } from '../../workers/training/network/keeping.ts';
import type { TrainingEvent, TrainingRequest, TrainingResult } from '../../workers/training/protocol.ts';
import { beginFit, train } from '../../workers/training/train.ts';
import { narrow } from '../support/narrow.ts';
import { seen } from '../support/seen-pair.ts';
import { trainingRequest } from '../support/training-request.ts';
import { drawnCatalog, writeTrainingSet } from '../support/training-set.ts';

const CHOICE = { engine: 'onnx', requireGpu: false, threads: 1, gpus: [] } as const satisfies Partial<TrainingRequest>;
const items = drawnCatalog();
const never = new AbortController().signal;

let dir: string;
let keys: string[][];
let request: TrainingRequest;
let features: Fit;
/** The first model of the catalog: most tests of such models look at the same one. */
let golden: TrainingRequest;
let firstModel: TrainingResult;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-training-'));
  const written = await writeTrainingSet(dir, items);
  keys = written.keys;
  request = trainingRequest(written.set, { recipe: 'catalog', steps: 4 });
  features = await beginFit(request, never, () => {});
  golden = { ...request, kind: 'GOLDEN' };
  firstModel = await train(golden, never, () => {});
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function served(artefact: Uint8Array, encoded?: Record<string, Uint16Array>) {
  const checksum = createHash('sha256').update(artefact).digest('hex');
  const artefactPath = join(dir, checksum);
  await writeFile(artefactPath, artefact);
  const pictures = keys.map(([first]) => first as string);
  const pixels = encoded ? {} : request.set.pixels;
  return embed({ ...CHOICE, gpus: [], artefactPath, checksum, pictures, pixels, ...(encoded && { encoded }) });
}

/** Share of held-out products whose nearest other product is of their own category; chance is a third. */
function nearestIsKin({ vectors, dimensions }: { vectors: Float32Array; dimensions: number }): number {
  const { categories, splits } = request.set;
  const distance = (i: number, j: number) => {
    let sum = 0;
    for (let k = 0; k < dimensions; k++) sum += (vectors[i * dimensions + k]! - vectors[j * dimensions + k]!) ** 2;
    return sum;
  };
  const held = items.flatMap((_, i) => (splits[i] === 2 ? [i] : []));
  const right = held.filter((q) => {
    const others = items.map((_, i) => i).filter((i) => i !== q);
    const nearest = others.reduce((best, i) => (distance(q, i) < distance(q, best) ? i : best));
    return categories[nearest] === categories[q];
  });
  return right.length / held.length;
}

/**
 * Only the network, an eighth as wide, on an eighth of the recipe's rows: the features, which take longest and are the same for all, are
 * fitted once, and what these tests look at needs no good network.
 */
async function trained(
  changes: Partial<TrainingRequest>,
  emit: (event: TrainingEvent) => void = () => {},
  signal = never,
  begun = features,
) {
  const asked = { ...request, ...changes };
  const recipe = { ...recipeNamed(asked.recipe), rows: 12 };
  const untaught = { spec: narrow(presetNamed(asked.preset)), categories: { taught: null, why: 'not of this recipe' } };
  const { seed, steps, sampling, processes } = asked;
  const fit: Fit = {
    ...begun,
    spec: narrow(begun.spec),
    ...(recipe.categories ? {} : untaught),
    ...(sampling && { sampling }),
    seed,
    steps,
    computing: { ...begun.computing, processes },
    serving: asked.serving ? decodeModel(asked.serving) : null,
    recipe,
    emit,
    signal,
  };
  return trainedNetwork(fit, keepingOf(asked), async ({ weights, ...facts }, { reason }) => ({
    ...facts,
    reason,
    bytes: bytesOf(weights),
  }));
}

const bytesOf = (weights: Parameters<typeof encodeSafetensors>[0]) => Buffer.from(encodeSafetensors(weights, {}));

const checkpointsOf = async (changes: Partial<TrainingRequest>) => {
  const saved: { step: number; state: Uint8Array }[] = [];
  const result = await trained({ checkpointSeconds: 0, ...changes }, (event) => {
    if (event.type === 'checkpoint') saved.push(event);
  });
  return { result, saved };
};

/** Where two models differ: each tensor, in how many numbers and by how much at most. */
function differences(one: Uint8Array, other: Uint8Array): string[] {
  if (Buffer.from(one).equals(Buffer.from(other))) return [];
  const [a, b] = [decodeSafetensors(one), decodeSafetensors(other)];
  const apart = Object.entries(a.tensors).flatMap(([name, { data }]) => {
    const gaps = [...data].map((value, i) => Math.abs(value - b.tensors[name]!.data[i]!)).filter((gap) => gap > 0);
    return gaps.length > 0 ? [`${name}: ${gaps.length} of ${data.length}, by ${Math.max(...gaps)}`] : [];
  });
  return [...apart, JSON.stringify([a.metadata, b.metadata])];
}

test('a first model from hand-made features ranks products it never saw, the same every time, in unit vectors', async () => {
  const again = await train(golden, never, () => {});
  expect(differences(firstModel.artefact, again.artefact)).toEqual([]);
  const answer = await served(firstModel.artefact);
  expect(answer.dimensions).toBe(firstModel.dimensions);
  for (let i = 0; i < items.length; i++) {
    const row = answer.vectors.subarray(i * answer.dimensions, (i + 1) * answer.dimensions);
    expect(Math.hypot(...row)).toBeCloseTo(1, 5);
  }
  expect(nearestIsKin(answer)).toBeGreaterThan(0.9);
});

test('a training that finds the catalog of one before it fits no map again and gives the same model, also beside other choices', async () => {
  const known = keepMaps();
  const fitted: string[] = [];
  const counted: KnownMaps = (asked) => {
    const mapOf = known(asked);
    return (name, fitNow) =>
      mapOf(name, () => {
        fitted.push(name);
        return fitNow();
      });
  };
  const once = async (asked: TrainingRequest) => {
    fitted.length = 0;
    const { artefact } = await train(asked, never, () => {}, counted);
    return { artefact, fitted: [...fitted] };
  };
  expect((await once(golden)).fitted).toEqual(['hog', 'pixels', 'colour']);
  const again = await once({ ...golden, feedback: SeenPairs.from([seen(0, 1, 1, 9, 3)]).columns });
  expect(again.fitted).toEqual([]);
  expect(differences(firstModel.artefact, again.artefact)).toEqual([]);
  const splits = golden.set.splits.slice().reverse();
  for (const other of [{ seed: golden.seed + 1 }, { set: { ...golden.set, splits } }])
    expect((await once({ ...golden, ...other })).fitted).toEqual(['hog', 'pixels', 'colour']);
});

test('from stored features it is the same model up to half precision, and gives the same vectors', async () => {
  const load = makePictureStore(request.set);
  const rows = sideBySide(keys.flat().map((_key, picture) => goldenOf(load(picture, 64))));
  const path = join(dir, 'golden.f16');
  await writeFile(path, toHalf(rows));
  const looked: number[] = [];
  const handMade = openHandMade({ golden: path }, (picture) => load(looked.push(picture) && picture, 64));
  expect(
    [...handMade('colour', 5)].map((value, i) => value - handMadeFeatures.colour.extract(load(5, 64))[i]!),
  ).toEqual(Array.from({ length: 64 }, () => expect.closeTo(0, 3)));
  expect(looked).toEqual([]);
  const fromPixels = firstModel;
  const fromStored = await train({ ...golden, set: { ...golden.set, golden: path } }, never, () => {});
  const [wanted, own] = [fromPixels, fromStored].map(({ summary }) => summary.shares as Record<string, number>);
  for (const [feature, share] of Object.entries(wanted!)) expect(own![feature]).toBeCloseTo(share, 2);
  // The version that was fitted on pixels, of pixels and of what is stored.
  const ofPixels = await served(fromPixels.artefact);
  const ofStored = await served(fromPixels.artefact, { [GOLDEN.id]: toHalf(rows) });
  let farthest = 0;
  for (const [i, value] of ofPixels.vectors.entries())
    farthest = Math.max(farthest, Math.abs(value - ofStored.vectors[i]!));
  expect(farthest).toBeLessThan(2e-3);
});

test('answers of raters move the mix to the feature that agrees with them', async () => {
  const { artefact, summary } = firstModel;
  const before = summary.shares as Record<string, number>;
  // Raters who see colour alone: of random pairs the positive is the one that is nearer in colour.
  const colour = decodeModel(artefact).blocks.findIndex(({ feature }) => feature === 'colour');
  const distance = features.golden.fitted[colour]!.distance;
  const random = makeRandom(7);
  const pictures = items.flatMap((_, i) => (request.set.splits[i] === 2 ? [] : [request.set.starts[i]!]));
  const ratings = Array.from({ length: 2000 }, () => {
    const [q, a, b] = Array.from({ length: 3 }, () => pictures[random.int(pictures.length)]!) as [
      number,
      number,
      number,
    ];
    return distance(q, a) < distance(q, b) ? { q, p: a, n: b } : { q, p: b, n: a };
  });
  const after = (await train({ ...golden, ratings }, never, () => {})).summary.shares as Record<string, number>;
  expect(after.colour).toBeGreaterThan(0.8);
  expect(before.colour).toBeLessThan(0.5);
});

test('a network is trained where a head has no encoder to stand on, fused and embedded; events tell how far it is, and what teaches is not served', async () => {
  const events: TrainingEvent[] = [];
  const result = await train({ ...request, recipe: 'head', steps: 4 }, never, (event) => events.push(event));
  const done = events.flatMap((event) => (event.type === 'progress' ? [event.done] : []));
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  const { engine } = result.summary;
  expect(result.summary).toMatchObject({ preset: 'tiny', recipe: 'catalog', sides: [64], categories: 3 });
  expect(result.summary.instead).toContain('The recipe head needs an encoder');
  expect(engine).toContain('onnx on cpu');
  const { network } = decodeModel(result.artefact);
  expect(network?.spec.proxies).toBeUndefined();
  expect(Object.keys(network!.weights).filter((name) => name.includes('prox'))).toEqual([]);
  expect(nearestIsKin(await served(result.artefact))).toBeGreaterThan(0.9);
});

test.each(['catalog', 'deepRanking', 'relevanceGap', 'multiSimilarity'])(
  'the loss falls by the recipe %s',
  async (recipe) => {
    // A checkpoint at every step has the mean loss so far; events come by the clock, and on a fast machine miss the first steps.
    const { saved } = await checkpointsOf({ recipe, steps: 20 });
    const means = saved.map(({ state }) => numbersOf(state)).filter(({ phase }) => phase === 'rank');
    expect(means.at(-1)!.loss).toBeLessThan(Math.max(...means.map(({ loss }) => loss)));
  },
);

const numbersOf = (state: Uint8Array) =>
  JSON.parse(decodeSafetensors(state).metadata.numbers ?? '{}') as { phase: string; loss: number };

test('the recipe of the paper first learns categories, then ranks with the first branch that came of it', async () => {
  const { saved } = await checkpointsOf({ recipe: 'deepRanking', steps: 10 });
  const phases = saved.map(({ step, state }) => `${numbersOf(state).phase} ${step}`);
  expect(phases.slice(0, 3)).toEqual(['pretrain 1', 'pretrain 2', 'rank 1']);
  expect(phases.at(-1)).toBe('rank 8');
});

test('categories teach the recipe catalog', () => {
  expect(features.categories.taught).toMatchObject({ classes: 3, weight: 1, kin: 6, share: 0.5 });
});

test('a shop with meaningless categories loses nothing: its network is, bit for bit, that of a shop without any', async () => {
  const random = makeRandom(3);
  const shuffled = request.set.categories.map(() => random.int(3));
  const networkFor = async (categories: Int32Array) => {
    const fit = await beginFit({ ...request, set: { ...request.set, categories } }, never, () => {});
    const { bytes } = await trained({ steps: 1 }, () => {}, never, fit);
    return { why: fit.categories.why, spec: fit.spec, bytes };
  };
  const [noise, none] = [await networkFor(shuffled), await networkFor(new Int32Array(shuffled.length).fill(-1))];
  expect(noise.why).toContain('Weight 0');
  expect(none.why).toContain('no two categories');
  expect(noise.spec).toEqual(none.spec);
  expect(noise.bytes.equals(none.bytes)).toBe(true);
});

test('a training goes on from the network that serves: it reaches the loss of a fresh one in half the steps', async () => {
  const cold = await trained({ steps: 24 });
  const { weights } = withoutProxies(narrow(features.spec), decodeSafetensors(cold.bytes).tensors);
  const serving = embeddingAlone({
    blocks: [],
    network: { spec: narrow(presetNamed('tiny')), weights, backbone: null },
  });
  const warm = await trained({ steps: 12, serving: encodeModel(serving) });
  expect(warm.loss).toBeLessThan(cold.loss);
  // Another network serves: nothing to go on from.
  const other = startOfRanking({ ...features, spec: presetNamed('small'), serving }, null);
  const fresh = startOfRanking({ ...features, spec: presetNamed('small') }, null);
  expect(bytesOf(other.weights).equals(bytesOf(fresh.weights))).toBe(true);
});

test('the recipe softmax ranks by what its classifier reads', async () => {
  const loss: number[] = [];
  const asked = { ...request, kind: 'NETWORK', recipe: 'softmax', steps: 15 } as const;
  const result = await train(asked, never, (event) => {
    if (event.type === 'loss') loss.push(event.loss);
  });
  const untaught = 'The recipe does not read categories';
  expect(result.summary).toMatchObject({ recipe: 'softmax', steps: 15, categories: untaught });
  expect(loss[0]).toBeCloseTo(Math.log(3), 0); // three categories
  expect(loss.at(-1)).toBeLessThan(0.8 * loss[0]!);
  const { network } = decodeModel(result.artefact);
  expect(network?.spec.embedding).toBe(256); // of the trunk's last hidden layer
  expect(network?.weights['embedding.kernel']?.data.slice(0, 3)).toEqual(Float32Array.of(1, 0, 0));
  expect(nearestIsKin(await served(result.artefact))).toBeGreaterThan(0.9);
});

test('the recipe softmax without categories says what it lacks', async () => {
  const set = { ...request.set, categories: new Int32Array(request.set.categories.length).fill(-1) };
  await expect(train({ ...request, set, recipe: 'softmax' }, never, () => {})).rejects.toMatchObject({
    code: 'CATALOG_UNLABELLED',
  });
});

test('another way of sampling gives other triplets, and the paper’s is the default', async () => {
  const recipe = 'deepRanking';
  const [paper, uniform, outside] = [
    await trained({ recipe }),
    await trained({ recipe, sampling: { outOfClassShare: 0.2, uniform: true } }),
    await trained({ recipe, sampling: { outOfClassShare: 1, uniform: false } }),
  ];
  expect(uniform.bytes.equals(paper.bytes)).toBe(false);
  expect(outside.bytes.equals(paper.bytes)).toBe(false);
  const same = await trained({ recipe, sampling: { outOfClassShare: 0.2, uniform: false } });
  expect(same.bytes.equals(paper.bytes)).toBe(true);
});

test('the same seed gives the same network, bit for bit, and another seed another one', async () => {
  const [first, again, other] = [await trained({}), await trained({}), await trained({ seed: 2 })];
  expect(first.bytes.equals(again.bytes)).toBe(true);
  expect(first.bytes.equals(other.bytes)).toBe(false);
});

test('two processes train as one, on twice the pictures', async () => {
  const { reason, steps } = await trained({ processes: 2, steps: 4 });
  expect(reason).toContain('2 processes, each onnx on cpu');
  expect(steps).toBe(4);
});

test('an artefact with one changed byte is refused', async () => {
  const { blocks, network } = decodeModel(firstModel.artefact);
  const artefact = encodeModel({ blocks: blocks.toReversed(), network }); // one that was never loaded
  const checksum = createHash('sha256').update(artefact).digest('hex');
  artefact[artefact.length - 5]! ^= 1;
  const artefactPath = join(dir, 'damaged');
  await writeFile(artefactPath, artefact);
  const damaged = embed({ ...CHOICE, gpus: [], artefactPath, checksum, pictures: [], pixels: request.set.pixels });
  await expect(damaged).rejects.toMatchObject({ code: 'ARTEFACT_CORRUPT' });
});

test('an aborted training ends with the reason, within a step', async () => {
  const stop = new AbortController();
  const running = trained(
    { steps: 10_000 },
    (event) => {
      if (event.type === 'loss') stop.abort(new Error('enough'));
    },
    stop.signal,
  );
  await expect(running).rejects.toThrow('enough');
});

test.each(['catalog', 'deepRanking'])(
  'a training by the recipe %s that goes on from any of its checkpoints ends bit for bit where the straight one ends',
  async (recipe) => {
    const { result, saved } = await checkpointsOf({ recipe, steps: 6 });
    expect(saved.length).toBeGreaterThanOrEqual(6);
    for (const { state } of [saved[0], saved[3], saved.at(-2)] as { state: Uint8Array }[]) {
      expect((await trained({ recipe, steps: 6, checkpoint: state })).bytes.equals(result.bytes)).toBe(true);
    }
  },
);

test('a checkpoint of another request is not continued', async () => {
  const { saved } = await checkpointsOf({ steps: 3 });
  const other = await checkpointsOf({ steps: 3, seed: 9, checkpoint: saved.at(-1)!.state });
  expect(other.saved[0]?.step).toBe(1);
});

test('a training whose numbers leave their range stops with the step and the products of the batch', async () => {
  const broken = { ...recipeNamed('catalog'), peakRate: 1e30 };
  const fit: Fit = { ...features, steps: 20, recipe: broken };
  const running = trainedNetwork(fit, null, async () => {});
  await expect(running).rejects.toMatchObject({ code: 'TRAINING_DIVERGED', facts: { step: expect.any(Number) } });
  const error = (await running.catch((caught: unknown) => caught)) as SimiliError<'TRAINING_DIVERGED'>;
  const learners = request.set.splits.reduce((sum, split) => sum + Number(split === 0), 0);
  expect(error.facts.items?.length).toBeGreaterThan(10);
  expect(error.facts.items?.length).toBeLessThanOrEqual(learners);
  expect(error.facts.items?.every((item) => request.set.splits[Number(item)] === 0)).toBe(true);
});

test('a shop of two products is ranked by hand-made features as they are, and so is whatever comes next', async () => {
  const few = await writeTrainingSet(dir, items.slice(0, 2));
  const golden: TrainingRequest = { ...request, kind: 'GOLDEN', set: few.set };
  const { artefact } = await train(golden, never, () => {});
  expect(nearestIsKin(await served(artefact))).toBeGreaterThan(0.8); // of three kinds, none of which it had seen two
});
