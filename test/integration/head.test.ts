import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { splits } from '../../learning/metrics/split.ts';
import { decodeModel, encodeModel } from '../../learning/models/artefact.ts';
import type { Block, HiddenLayer, ServedModel } from '../../learning/models/served-model.ts';
import { squaredDistance } from '../../learning/numbers/distance.ts';
import { toHalf } from '../../learning/numbers/half.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { recipeNamed } from '../../learning/recipes/recipe.ts';
import { SeenPairs } from '../../learning/relevance/seen-pairs.ts';
import { fuse } from '../../learning/whitening/whitening.ts';
import { embed } from '../../workers/training/embed/embed.ts';
import { fitEncoderBlocks } from '../../workers/training/features/encoder-block.ts';
import type { Fit } from '../../workers/training/fit.ts';
import { fitHead } from '../../workers/training/head/index.ts';
import type { TrainingEvent, TrainingRequest, TrainingSet } from '../../workers/training/protocol.ts';
import { train } from '../../workers/training/train.ts';
import { byPictures } from '../../workers/training/triplets/of-catalog.ts';
import { drawn, writeTrainingSet } from '../support/training-set.ts';

const DIMENSIONS = 24;
const KINDS = 12;
const OF_A_KIND = 25;
const encoder = { id: 'eye', title: 'An eye', licence: 'MIT', dimensions: DIMENSIONS };

type Shop = { set: TrainingSet; features: Float32Array[]; kinds: number[] };

/**
 * Products of some kinds. A kind shows in four of all directions, the others are louder and say nothing.
 * @param pictures of each product: in a product's own eight directions they agree
 */
function shop({
  pictures = 1,
  categories = (kind: number, _random: ReturnType<typeof makeRandom>) => kind,
} = {}): Shop {
  const random = makeRandom(5);
  const gaussian = () => random.gaussian();
  const centres = Array.from({ length: KINDS }, () => Array.from({ length: 4 }, gaussian));
  const kinds = Array.from({ length: KINDS * OF_A_KIND }, (_, i) => i % KINDS);
  const features = kinds.flatMap((kind) => {
    const own = Array.from({ length: 8 }, gaussian);
    return Array.from({ length: pictures }, () =>
      Float32Array.from({ length: DIMENSIONS }, (_, d) => {
        if (d < 4) return centres[kind]![d]! + 0.3 * gaussian();
        return d < 12 && pictures > 1 ? own[d - 4]! + 0.3 * gaussian() : 1.5 * gaussian();
      }),
    );
  });
  const set: TrainingSet = {
    starts: Int32Array.from({ length: kinds.length + 1 }, (_, i) => i * pictures),
    hashes: new Uint8Array(32 * features.length),
    categories: Int32Array.from(kinds, (kind) => categories(kind, random)),
    splits: Uint8Array.from(kinds, (_kind, i) => splits.indexOf(i % 5 === 3 ? 'val' : i % 5 === 4 ? 'test' : 'train')),
    pixels: {},
    encoded: { encoder, path: '' },
  };
  return { set, features, kinds };
}

async function headOf(
  { set, features }: Shop,
  changes: Partial<Pick<Fit, 'clicks' | 'emit' | 'signal' | 'recipe' | 'golden'>> = {},
  seed = 1,
  { steps = 120, serving = null as ServedModel | null } = {},
) {
  const read = (picture: number) => features[picture]!;
  const frozen = fitEncoderBlocks(set, read, [], makeRandom(1));
  const clicks = changes.clicks ?? { triplets: [], chosen: 0, sets: [], relevance: () => undefined };
  const fit = {
    set,
    seed,
    steps,
    seconds: 60,
    computing: { threads: 1 },
    serving,
    recipe: { ...recipeNamed('head'), rows: 96 },
    encoded: read,
    clicks,
    evidence: {
      structure: [],
      identity: [],
      people: byPictures(clicks.triplets, set),
      choices: clicks.chosen,
      sets: [],
    },
    emit: () => {},
    signal: new AbortController().signal,
    ...changes,
  } as unknown as Fit;
  const before = [{ ...frozen[0]!.block, weight: 1 }];
  return { ...(await fitHead(fit, before)), frozen: before };
}

/** Share of held-out products whose nearest other one is of their kind; chance is a twelfth. */
function nearestIsKin(blocks: readonly Block[], { set, features, kinds }: Shop, hidden?: HiddenLayer): number {
  const held = kinds.flatMap((_kind, i) => (splits[set.splits[i]!] === 'test' ? [i] : []));
  const vectors = new Map(
    held.map((i) => [
      i,
      fuse(
        blocks,
        blocks.map(() => features[set.starts[i]!]!),
        hidden,
      ),
    ]),
  );
  const right = held.filter((q) => {
    const far = (i: number) => squaredDistance(vectors.get(q)!, vectors.get(i)!);
    const others = held.filter((i) => i !== q);
    return kinds[others.reduce((best, i) => (far(i) < far(best) ? i : best))] === kinds[q];
  });
  return right.length / held.length;
}

const bytes = (blocks: readonly Block[]) =>
  Buffer.concat(blocks.map(({ projection }) => Buffer.from(projection.buffer)));

test('a head learns from categories what tells kinds of things apart, of products that it never saw', async () => {
  const made = shop();
  const { blocks, summary, frozen } = await headOf(made);
  // Kinds are directions: hidden units find no more in them than linear maps do.
  expect(summary).toMatchObject({ head: { categories: 1, hidden: 0, teachers: { categories: KINDS, identities: 0 } } });
  const [before, after] = [nearestIsKin(frozen, made), nearestIsKin(blocks!, made)];
  expect(before).toBeLessThan(0.5);
  expect(after).toBeGreaterThan(before + 0.2);
});

/** Products of four kinds, each told by whether two pairs of directions point the same way: no linear map brings a kind together. */
function crossedShop(): Shop {
  const random = makeRandom(5);
  const sign = () => (random.next() < 0.5 ? -1 : 1);
  const signs = Array.from({ length: 600 }, () => [sign(), sign(), sign(), sign()]);
  const kinds = signs.map(([a, b, c, d]) => (a === b ? 1 : 0) + (c === d ? 2 : 0));
  const features = signs.map((own) =>
    Float32Array.from({ length: DIMENSIONS }, (_, d) => (own[d] ?? 0) + 0.4 * random.gaussian()),
  );
  const { set } = shop();
  const splitOf = (i: number) => splits.indexOf(i % 5 === 3 ? 'val' : i % 5 === 4 ? 'test' : 'train');
  return {
    features,
    kinds,
    set: {
      ...set,
      starts: Int32Array.from({ length: kinds.length + 1 }, (_, i) => i),
      hashes: new Uint8Array(32 * kinds.length),
      categories: Int32Array.from(kinds),
      splits: Uint8Array.from(kinds, (_kind, i) => splitOf(i)),
    },
  };
}

test('what no linear map can tell hidden units learn, and they are kept; the next head goes on from them', async () => {
  const made = crossedShop();
  const lossesOf = async (serving: ServedModel | null = null) => {
    const losses = new Map<number, number>();
    const emit = (event: TrainingEvent) => void (event.type === 'loss' && losses.set(event.step, event.loss));
    return { ...(await headOf(made, { emit }, 1, { steps: 60, serving })), losses };
  };
  const cold = await lossesOf();
  expect(cold.summary).toMatchObject({ head: { categories: 1, hidden: 512 } });
  const [weak, strong, bent] = cold.summary.gains as [number, number, number];
  expect(bent).toBeGreaterThan(Math.max(weak, strong) + 0.1); // average precision of validation products
  const serving = { blocks: [...cold.blocks!], hidden: cold.hidden!, network: null };
  const before = encodeModel(serving);
  const warm = await lossesOf(serving);
  expect(encodeModel(serving)).toEqual(before); // it is read, not trained
  // The third training is the one with hidden units; the linear ones have nothing to go on from.
  const at = (step: number) => [cold.losses.get(step)!, warm.losses.get(step)!] as const;
  expect(at(20)[1]).toBe(at(20)[0]);
  expect(at(140)[1]).toBeLessThan(at(180)[0]);
});

test('the same seed gives the same head, bit for bit, and another seed another one', async () => {
  const made = shop();
  const heads = [await headOf(made), await headOf(made), await headOf(made, {}, 2)];
  const [first, again, other] = heads.map(({ blocks }) => bytes(blocks!));
  expect(again!.equals(first!)).toBe(true);
  expect(other!.equals(first!)).toBe(false);
});

test('a head goes on from the one that serves: it reaches the loss of a fresh one in less than half the steps', async () => {
  const made = shop();
  const ending = async (steps: number, serving: ServedModel | null = null) => {
    const losses = new Map<number, number>();
    const emit = (event: TrainingEvent) => void (event.type === 'loss' && losses.set(event.step, event.loss));
    const head = await headOf(made, { emit }, 1, { steps, serving });
    return { ...head, loss: losses.get(steps)! }; // of the first training, which tells its last step
  };
  const cold = await ending(200);
  const warm = await ending(60, { blocks: [...cold.blocks!], network: null });
  expect(warm.loss).toBeLessThan(cold.loss);
  expect((await ending(100)).loss).toBeGreaterThan(cold.loss);
});

test('categories that mean nothing have no weight, with several pictures a product or without', async () => {
  const atRandom = (_kind: number, random: ReturnType<typeof makeRandom>) => random.int(KINDS);
  const single = await headOf(shop({ categories: atRandom }));
  expect(single).toMatchObject({ blocks: null, summary: { head: expect.stringContaining('Not kept') } });
  const several = await headOf(shop({ categories: atRandom, pictures: 3 }));
  expect(several.summary).toMatchObject({ head: { categories: 0, teachers: { categories: KINDS } } });
});

test('a head learns by the hinge of the paper as well, from triplets that golden relevance draws', async () => {
  const made = shop();
  const { categories } = made.set;
  const relevance = (i: number, j: number) => (categories[i] === categories[j] ? 0.5 : 0);
  const hinge = { kind: 'tripletHinge', gap: 0.3, perRelevance: 0, isPublished: true } as const;
  const recipe = { ...recipeNamed('head'), rows: 96, objective: hinge };
  const golden = { relevanceOfPictures: relevance } as unknown as Fit['golden'];
  const { blocks, frozen } = await headOf(made, { recipe, golden });
  expect(nearestIsKin(blocks!, made)).toBeGreaterThan(nearestIsKin(frozen, made) + 0.1);
});

test('what shoppers chose teaches a head where there are no categories', async () => {
  const made = shop({ categories: () => -1 });
  const random = makeRandom(9);
  const learners = made.kinds.flatMap((_kind, i) => (splits[made.set.splits[i]!] === 'test' ? [] : [i]));
  const triplets = learners.flatMap((q) =>
    Array.from({ length: 8 }, () => {
      const same = learners.filter((i) => i !== q && made.kinds[i] === made.kinds[q]);
      const other = learners.filter((i) => made.kinds[i] !== made.kinds[q]);
      return { q, p: same[random.int(same.length)]!, n: other[random.int(other.length)]!, weight: 3 };
    }),
  );
  const { blocks, summary, frozen } = await headOf(made, {
    clicks: { triplets, chosen: 2000, sets: [], relevance: () => undefined },
  });
  expect(summary).toMatchObject({ head: { categories: 0 } });
  expect(nearestIsKin(blocks!, made)).toBeGreaterThan(nearestIsKin(frozen, made) + 0.1);
});

test('where nothing teaches there is no head, and one sentence says why', async () => {
  const { blocks, summary } = await headOf(shop({ categories: () => -1 }));
  expect(blocks).toBeNull();
  expect(summary.head).toBe(
    "Not trained: no product has two pictures or a category, and shoppers' choices beside 100 products are needed",
  );
});

test('a shop whose validation products have no company has no head, and one sentence says why', async () => {
  const made = shop();
  // Every product that validates is alone in its category; those that train have what teaches.
  const categories = made.set.categories.map((kind, i) => (splits[made.set.splits[i]!] === 'val' ? KINDS + i : kind));
  const { blocks, summary } = await headOf({ ...made, set: { ...made.set, categories } });
  expect(blocks).toBeNull();
  expect(summary).toMatchObject({
    steps: 0,
    head: 'Not trained: no product that validates has another picture, or company in its category, to tell heads apart',
  });
});

test('a head tells how far it is, step by step, and a cancelled one ends', async () => {
  const events: TrainingEvent[] = [];
  await headOf(shop(), { emit: (event) => void events.push(event) });
  const done = events.flatMap((event) => (event.type === 'progress' ? [event.done] : []));
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  const curve = events.flatMap((event) => (event.type === 'loss' ? [event] : []));
  expect(curve.map(({ step }) => step)).toEqual(curve.map(({ step }) => step).toSorted((a, b) => a - b));
  expect(curve.at(-1)).toMatchObject({ step: 360, precision: expect.any(Number) }); // three trainings
  const stop = new AbortController();
  const emit = ({ type }: TrainingEvent) => {
    if (type === 'loss') stop.abort(new Error('enough'));
  };
  await expect(headOf(shop(), { emit, signal: stop.signal })).rejects.toThrow('enough');
});

test('the head of a whole fit is served by the projections of its blocks, and no network is', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'simili-head-'));
  const random = makeRandom(3);
  const kindOf = (i: number) => ['linen', 'silk', 'wool'][i % 3]!;
  // No drawing shows what a thing is made of; the encoder hardly does.
  const items = Array.from({ length: 90 }, (_, i) => ({
    id: `thing-${i}`,
    category: kindOf(i),
    pictures: [drawn('wide', i)],
    split: splits[Math.floor(i / 3) % 3]!,
  }));
  const { set, keys } = await writeTrainingSet(dir, items);
  const seen = items.map((_, i) =>
    Float32Array.from({ length: DIMENSIONS }, (_d, d) => (d < 3 ? Number(d === i % 3) : 1) + 0.45 * random.gaussian()),
  );
  const bits = toHalf(Float32Array.from(seen.flatMap((row) => [...row])));
  const path = join(dir, 'encoded');
  await writeFile(path, bits);
  const request: TrainingRequest = {
    engine: 'onnx',
    requireGpu: false,
    threads: 1,
    gpus: [],
    kind: 'NETWORK',
    feedback: SeenPairs.from([]).columns,
    ratings: [],
    set: { ...set, encoded: { encoder, path } },
    preset: 'tiny',
    recipe: 'head',
    backbone: null,
    processes: 1,
    seconds: 60,
    steps: 100,
    seed: 1,
    checkpointSeconds: 60,
    checkpoint: null,
  };
  const { artefact, summary } = await train(request, new AbortController().signal, () => {});
  expect(summary).toMatchObject({ recipe: 'head', steps: 300, head: { categories: 1 } });
  expect(decodeModel(artefact).network).toBeNull();
  const checksum = createHash('sha256').update(artefact).digest('hex');
  const artefactPath = join(dir, checksum);
  await writeFile(artefactPath, artefact);
  const pictures = keys.map(([first]) => first!);
  const choice = { engine: 'onnx', requireGpu: false, threads: 1, gpus: [] } satisfies Partial<TrainingRequest>;
  const encoded = { [encoder.id]: bits };
  const { vectors, dimensions } = await embed({
    ...choice,
    artefactPath,
    checksum,
    pictures,
    pixels: set.pixels,
    encoded,
  });
  const of = (i: number) => vectors.subarray(i * dimensions, (i + 1) * dimensions);
  const held = items.flatMap(({ split }, i) => (split === 'test' ? [i] : []));
  const right = held.filter((q) => {
    const others = held.filter((i) => i !== q);
    const nearest = others.reduce((a, b) => (squaredDistance(of(q), of(b)) < squaredDistance(of(q), of(a)) ? b : a));
    return kindOf(nearest) === kindOf(q);
  });
  expect(right.length / held.length).toBeGreaterThan(0.55); // chance: a third
  await rm(dir, { recursive: true });
});
