import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { splits } from '../../../../../learning/metrics/split.ts';
import { toHalf } from '../../../../../learning/numbers/half.ts';
import { makeRandom } from '../../../../../learning/numbers/random.ts';
import { openEncodedFeatures } from '../../../../../workers/training/data/encoded-features.ts';
import { HAND_MADE } from '../../../../../workers/training/features/blocks.ts';
import { directionsOfPart, fitEncoderBlocks } from '../../../../../workers/training/features/encoder-block.ts';
import type { TrainingSet } from '../../../../../workers/training/protocol.ts';
import { identityTriplets } from '../../../../../workers/training/triplets/of-catalog.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-test-'));
});
afterAll(() => rm(dir, { recursive: true }));

const DIMENSIONS = 48;
const encoder = { id: 'eye-1', title: 'An eye', licence: 'MIT', dimensions: DIMENSIONS };

/** Products whose pictures differ much in the first half of the dimensions, which says nothing, and little in the second. */
async function catalog(products: number, pictures: number, noise: number) {
  const random = makeRandom(3);
  const rows: number[] = [];
  for (let product = 0; product < products; product++) {
    const own = Array.from({ length: DIMENSIONS }, (_, j) => (j < DIMENSIONS / 2 ? 0 : random.gaussian()));
    for (let picture = 0; picture < pictures; picture++)
      rows.push(...own.map((value, j) => 2 + value + (j < DIMENSIONS / 2 ? noise : 0.1) * random.gaussian()));
  }
  const path = join(dir, `${products}-${pictures}-${noise}.f16`);
  await writeFile(path, toHalf(rows));
  const set: TrainingSet = {
    starts: Int32Array.from({ length: products + 1 }, (_, i) => i * pictures),
    hashes: new Uint8Array(32 * products * pictures),
    categories: new Int32Array(products).fill(-1),
    splits: Uint8Array.from({ length: products }, (_, i) => splits.indexOf(i % 5 === 0 ? 'val' : 'train')),
    pixels: {},
    encoded: { encoder, path },
  };
  const features = openEncodedFeatures(set.encoded!);
  const learners = Int32Array.from({ length: products }, (_, i) => i);
  const triplets = identityTriplets(set, learners, () => random.next(), random, 600);
  return { set, features, triplets, fitted: () => fitEncoderBlocks(set, features, triplets, makeRandom(1))[0]! };
}

const rightOf = (
  distance: (a: number, b: number) => number,
  triplets: readonly { q: number; p: number; n: number }[],
) => triplets.filter(({ q, p, n }) => distance(q, p) < distance(q, n)).length / triplets.length;

test('pictures of the same products say which directions are noise', async () => {
  const { set, features, fitted, triplets } = await catalog(80, 3, 3);
  const { block, distance } = fitted();
  expect(block).toMatchObject({ feature: 'eye-1', encoder });
  expect(rightOf(distance, triplets)).toBeGreaterThan(0.94);
  // The same features when nobody says what is one product: what varies most is what says nothing.
  const single = { ...set, starts: Int32Array.from({ length: 241 }, (_, i) => i), splits: new Uint8Array(240) };
  const [blind] = fitEncoderBlocks(single, features, [], makeRandom(1));
  expect(rightOf(blind!.distance, triplets)).toBeLessThan(0.9);
});

test('each part of the vector is a block, fitted as if it were the whole', async () => {
  const { set, features, triplets } = await catalog(40, 3, 1);
  const half = DIMENSIONS / 2;
  const parts = [
    { name: 'last', length: half },
    { name: 'middle', length: half },
  ];
  const parted = { ...set, encoded: { ...set.encoded!, encoder: { ...encoder, parts } } };
  const fitted = fitEncoderBlocks(parted, features, triplets, makeRandom(1));
  expect(fitted.map(({ block }) => block.feature)).toEqual(['eye-1#last', 'eye-1#middle']);
  for (const [i, { block }] of fitted.entries()) {
    const own = { ...encoder, dimensions: half };
    const columns = (picture: number) => features(picture).slice(i * half, (i + 1) * half);
    const alone = { ...set, encoded: { ...set.encoded!, encoder: own } };
    const [wanted] = fitEncoderBlocks(alone, columns, triplets, makeRandom(1));
    expect(block.mean).toEqual(wanted!.block.mean);
    expect(block.projection).toEqual(wanted!.block.projection);
  }
});

test('where each product has one picture, its main directions are taken', async () => {
  const { fitted, features } = await catalog(60, 1, 0.2);
  const { block, distance } = fitted();
  expect(block.projection).toHaveLength(DIMENSIONS * DIMENSIONS);
  expect(distance(3, 3)).toBe(0);
  expect(distance(3, 4)).toBeGreaterThan(0.1);
  // Centred: the common part of all vectors tells nothing.
  const mean = Array.from({ length: DIMENSIONS }, (_, j) => features(0)[j]! * 0 + block.mean[j]!);
  for (const value of mean) expect(value).toBeCloseTo(2, 0);
});

test('too few products with several pictures do not decide which directions are noise', async () => {
  const { fitted } = await catalog(9, 2, 3);
  expect(fitted().block.projection).toHaveLength(DIMENSIONS * DIMENSIONS);
});

test('a file that is shorter than its set is told', async () => {
  const { features } = await catalog(4, 1, 1);
  expect(() => features(4)).toThrow('no features of picture 4');
});

test('parts of an encoder share what the hand-made features leave of 384 numbers', () => {
  const parts = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `${i}`, length: 500 }));
  const handMade = Object.values(HAND_MADE).reduce((sum, { keep }) => sum + keep, 0);
  for (const count of [2, 3, 8]) {
    const total = handMade + count * directionsOfPart({ parts: parts(count) });
    expect(total).toBeLessThanOrEqual(384);
    expect(total).toBeGreaterThan(384 - count);
  }
  expect(directionsOfPart({})).toBe(128);
});
