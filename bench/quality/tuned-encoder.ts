import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pictureCount } from '../../learning/batches/catalog.ts';
import { itemsIn } from '../../learning/metrics/split.ts';
import type { ServedModel } from '../../learning/models/served-model.ts';
import { findEncoder } from '../../workers/encoders/find.ts';
import { sha256 } from '../../workers/tools/sha256.ts';
import { hashAt } from '../../workers/training/data/picture-store.ts';
import type { TrainingSet } from '../../workers/training/protocol.ts';
import { SHIPPED } from './arena.ts';

const OUT = new URL('../out/tuned', import.meta.url).pathname;
const SCRIPT = new URL('../peer/fine_tuning.py', import.meta.url).pathname;
/** Rows of a batch. */
const ROWS = 160;
const MOST_EACH = 20;
/** Chosen on validation (docs/quality.md). */
const RECIPE = { rate: 0.003, steps: 60, temperature: 0.1 };
const LAST = '#last';

export type Tuning = {
  /** Name of the arena. */
  readonly name: string;
  readonly set: TrainingSet;
  /** Its map of the encoder's last layer is what the loss sees. */
  readonly model: ServedModel;
  readonly seeds: readonly number[];
};

/**
 * The shipped encoder with its last block and its last convolution fine-tuned on the training items by InfoNCE (whose pictures
 * belong together: an item's where there are several, else a category's). Made once for the same request.
 * @param python with torch, onnx and onnxruntime
 * @returns folder of an encoder by seed
 */
export async function tunedEncoders(python: string, tuning: Tuning, recipe = RECIPE): Promise<string[]> {
  const { set, model, name, seeds } = tuning;
  const { description, path } = (await findEncoder(SHIPPED))!;
  const { mean, projection } = model.blocks.find(({ feature }) => feature.endsWith(LAST))!;
  const learners = learnersOf(set);
  const { side, mean: middle, deviation } = description.input;
  const request = {
    ...recipe,
    model: path,
    side,
    middle,
    deviation,
    ...batchOf(learners),
    files: learners.map(({ picture }) => fileOf(set, picture, side)),
    groups: learners.map(({ group }) => group),
    mean: [...mean],
    projection: [...projection],
  };
  const key = sha256(Buffer.from(JSON.stringify(request))).slice(0, 12);
  const folders = seeds.map((seed) => join(OUT, `${name.toLowerCase()}-${key}-${seed}`));
  const wanted = seeds.filter((_seed, i) => !existsSync(join(folders[i]!, 'encoder.json')));
  if (wanted.length === 0) return folders;
  const outs = wanted.map((seed) => join(folders[seeds.indexOf(seed)]!, description.model));
  for (const out of outs) await mkdir(dirname(out), { recursive: true });
  await run(python, { ...request, seeds: wanted, outs });
  for (const out of outs) {
    const weights = sha256(await readFile(out));
    const tuned = { name: `${description.name}-tuned`, title: `${description.title}, fine-tuned`, sha256: weights };
    await writeFile(join(dirname(out), 'encoder.json'), JSON.stringify({ ...description, ...tuned }));
  }
  return folders;
}

type Learner = { readonly picture: number; readonly group: number };

/** Training pictures that have others to belong to. */
export function learnersOf(set: TrainingSet): Learner[] {
  const items = itemsIn(set, 'train');
  const isAlone = items.every((item) => pictureCount(set, item) === 1);
  const all = [...items].flatMap((item) =>
    Array.from({ length: pictureCount(set, item) }, (_, i) => ({
      picture: set.starts[item]! + i,
      group: isAlone ? set.categories[item]! : item,
    })),
  );
  const sizes = sizesOf(all);
  return all.filter(({ group }) => group >= 0 && sizes.get(group)! > 1);
}

/** So many of each group, and so many groups, as fill a batch. */
function batchOf(learners: readonly Learner[]): { each: number; groupsAtOnce: number } {
  const sizes = sizesOf(learners);
  const each = Math.min(MOST_EACH, ...sizes.values());
  return { each, groupsAtOnce: Math.min(sizes.size, Math.floor(ROWS / each)) };
}

function sizesOf(learners: readonly Learner[]): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const { group } of learners) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  return sizes;
}

function fileOf({ hashes, pixels }: TrainingSet, picture: number, side: number): string {
  const key = hashAt(hashes, picture);
  return join(pixels[side]!, key.slice(0, 2), `${key}.rgb`);
}

async function run(python: string, request: object): Promise<void> {
  const child = spawn(python, ['-B', SCRIPT], { stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = once(child, 'exit');
  child.stdin.end(JSON.stringify(request));
  const [code] = await ended;
  if (code !== 0) throw new Error(`${SCRIPT} ended with ${code}: it needs a Python with torch, onnx and onnxruntime`);
}
