import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { handMadeFeatures, isHandMade } from '../../learning/features/index.ts';
import { splits } from '../../learning/metrics/split.ts';
import { decodeModel } from '../../learning/models/artefact.ts';
import type { EncoderFacts } from '../../learning/models/encoder-facts.ts';
import { fromHalf, toHalf } from '../../learning/numbers/half.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { SeenPairs } from '../../learning/relevance/seen-pairs.ts';
import { fuse } from '../../learning/whitening/whitening.ts';
import { findEncoder } from '../../workers/encoders/find.ts';
import { sha256 } from '../../workers/tools/sha256.ts';
import { makePictureStore } from '../../workers/training/data/picture-store.ts';
import { embed } from '../../workers/training/embed/embed.ts';
import type { TrainingRequest } from '../../workers/training/protocol.ts';
import { train } from '../../workers/training/train.ts';
import { drawn, writeTrainingSet } from '../support/training-set.ts';

const encoder = {
  id: 'eye',
  title: 'An eye',
  licence: 'MIT',
  dimensions: 20,
  parts: [
    { name: 'last', length: 12 },
    { name: 'middle', length: 8 },
  ],
};
const choice = { engine: 'onnx', requireGpu: false, threads: 1, gpus: [] as string[] } as const;

/** Shop that a first model is fitted from: things that are drawn, and numbers for what an encoder sees in them. */
async function seenShop(dir: string, things: number, eye: EncoderFacts) {
  const random = makeRandom(3);
  const items = Array.from({ length: things }, (_, i) => ({
    id: `thing-${i}`,
    category: `${i % 3}`,
    pictures: [drawn('wide', i)],
    split: splits[i % 3]!,
  }));
  const { set, keys } = await writeTrainingSet(dir, items);
  const bits = toHalf(Float32Array.from({ length: things * eye.dimensions }, () => 1 + random.gaussian()));
  const path = join(dir, 'encoded');
  await writeFile(path, bits);
  const request: TrainingRequest = {
    ...choice,
    kind: 'GOLDEN',
    feedback: SeenPairs.from([]).columns,
    ratings: [],
    preset: 'tiny',
    recipe: 'head',
    backbone: null,
    set: { ...set, encoded: { encoder: eye, path } },
    processes: 1,
    seconds: 0,
    steps: null,
    seed: 1,
    checkpointSeconds: 60,
    checkpoint: null,
  };
  return { set, keys, bits, request };
}

test('the first model with the encoder that ships serves 384 numbers a product', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'simili-parts-'));
  const { facts } = (await findEncoder('efficientnet-lite0'))!;
  const { request } = await seenShop(dir, 150, facts);
  const { dimensions } = await train(request, new AbortController().signal, () => {});
  expect(dimensions).toBe(384);
  await rm(dir, { recursive: true });
});

test('what two layers of an encoder see become two blocks, served from one stored row', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'simili-parts-'));
  const { set, keys, bits, request } = await seenShop(dir, 30, encoder);
  const { artefact, summary } = await train(request, new AbortController().signal, () => {});
  const { blocks } = decodeModel(artefact);
  expect(blocks.map(({ feature, mean }) => [feature, mean.length])).toEqual([
    ...[
      ['hog', 576],
      ['pixels', 768],
      ['colour', 64],
    ],
    ['eye#last', 12],
    ['eye#middle', 8],
  ]);
  expect(Object.keys(summary.shares as object)).toEqual(blocks.map(({ feature }) => feature));
  expect(summary.blocks).toEqual(
    blocks.map(({ feature, weight, mean, projection }) => ({
      feature,
      share: weight,
      length: projection.length / mean.length,
    })),
  );

  const artefactPath = join(dir, 'artefact');
  await writeFile(artefactPath, artefact);
  const pictures = keys.map(([first]) => first!);
  const stored = { artefactPath, checksum: sha256(artefact), pictures, pixels: set.pixels, encoded: { eye: bits } };
  const { vectors, dimensions } = await embed({ ...choice, ...stored });
  const load = makePictureStore(set);
  for (const i of [0, 7, 29]) {
    const row = fromHalf(bits.subarray(i * 20, (i + 1) * 20));
    const seen: Record<string, Float32Array> = { 'eye#last': row.slice(0, 12), 'eye#middle': row.slice(12) };
    const wanted = fuse(
      blocks,
      blocks.map(({ feature }) =>
        isHandMade(feature) ? handMadeFeatures[feature].extract(load(i, 64)) : seen[feature]!,
      ),
    );
    for (const [at, value] of wanted.entries()) expect(vectors[i * dimensions + at]).toBeCloseTo(value, 4);
  }
  await rm(dir, { recursive: true });
});
