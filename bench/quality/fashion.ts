import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { collect } from '../../lab/evaluate/collect.ts';
import type { LabelledPictures } from '../../lab/questions/labelled.ts';
import { questionsOf } from '../../lab/questions/questions.ts';
import { judge } from '../../learning/metrics/judge.ts';
import { splits } from '../../learning/metrics/split.ts';
import { loadConfig } from '../../src/config.ts';
import { findEncoder } from '../../workers/encoders/find.ts';
import type { InstalledEncoder } from '../../workers/engines/onnx/encoder-description.ts';
import { DECODE_VERSION } from '../../workers/pictures/decoded-picture.ts';
import { sha256 } from '../../workers/tools/sha256.ts';
import type { TrainingSet } from '../../workers/training/protocol.ts';
import type { Product } from '../product.ts';
import { fashionFolder, type LabelledFolder } from '../table-sets.ts';
import { type Arena, type Distances, type Held, SHIPPED, type Values } from './arena.ts';

const OUT = new URL('../out/table', import.meta.url).pathname;

/** Category, one picture a product, asked as `simili evaluate` does; null where Debian's dataset-fashion-mnist is not installed. */
export async function fashionArena(product: Product): Promise<Arena | null> {
  const folder = await fashionFolder(OUT);
  if (!folder) return null;
  const shipped = (await findEncoder(SHIPPED))!;
  const data = await readAt(folder, shipped.description.input.side);
  const questions = { val: questionsIn(data, 'val'), test: questionsIn(data, 'test') };
  return {
    name: folder.name,
    before: { p1: 0.844, map: 0.575 },
    async seenBy(choice) {
      const encoder = (await findEncoder(choice))!;
      return seen(product, (await readAt(folder, encoder.description.input.side)).set, encoder);
    },
    picturesOf: (split) => questions[split].gallery,
    measure: (distances, split) => measureAmong(questions[split], distances),
  };
}

/** Those that are measured with, and hardly matter here: a set needs some that are held out. */
const HELD_OUT = 10;

/** Vectors of so many pictures by the first model of their catalog, as it is served; null where the set is not installed. */
export async function servedVectors(product: Product, pictures: number): Promise<Float32Array[] | null> {
  const folder = await fashionFolder(OUT, { train: pictures - HELD_OUT, validation: 0, test: HELD_OUT });
  if (!folder) return null;
  const encoder = (await findEncoder(SHIPPED))!;
  const set = await seen(product, (await readAt(folder, encoder.description.input.side)).set, encoder);
  return product.vectors(set, await product.golden(set));
}

/** The pictures at the side that an encoder reads; decoded once. */
async function readAt({ images, labels }: LabelledFolder, side: number): Promise<LabelledPictures> {
  const config = loadConfig({ ...process.env, SIMILI_DATA_DIR: join(OUT, 'data') });
  const { data } = await collect({
    images,
    labels,
    triplets: null,
    preset: 'tiny',
    encoderSides: [side],
    seed: 1,
    config,
    onProgress: () => {},
    onProblems: () => {},
  });
  return data;
}

async function seen(product: Product, set: TrainingSet, encoder: InstalledEncoder): Promise<TrainingSet> {
  const folder = join(OUT, 'encoded');
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${encoder.facts.id}-${sha256(set.hashes).slice(0, 12)}-${DECODE_VERSION}.f16`);
  if (existsSync(path)) return { ...set, encoded: { encoder: encoder.facts, path } };
  await product.encode(set, encoder, `${path}.part`);
  await rename(`${path}.part`, path);
  return { ...set, encoded: { encoder: encoder.facts, path } };
}

/** Questions about the pictures of a split, as if that alone were held out. */
export function questionsIn(data: LabelledPictures, split: Held) {
  const [held, others] = [splits.indexOf('test'), splits.indexOf('train')];
  const asked = data.splits.map((code) => (splits[code] === split ? held : others));
  return questionsOf({ ...data, splits: asked }, { k: 30, seed: 1, rated: [] });
}

/** Every picture looks for those of its category among all others. */
export function measureAmong(questions: ReturnType<typeof questionsOf>, distances: Distances): Values {
  const n = questions.gallery.length;
  const rowOf = new Map(Array.from(questions.gallery, (picture, row) => [picture, row]));
  const { values } = judge(questions, (query) => {
    const row = rowOf.get(query)!;
    return distances.subarray(row * n, (row + 1) * n);
  });
  return { p1: values.p1, map: values.map };
}
