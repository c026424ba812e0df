import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { itemsIn } from '../learning/metrics/split.ts';
import { trainingRequest } from '../test/support/training-request.ts';
import { fusedBlocks } from '../workers/training/fusion/mixture.ts';
import { frozenParts } from '../workers/training/head/frozen-parts.ts';
import type { TrainingSet } from '../workers/training/protocol.ts';
import { beginFit } from '../workers/training/train.ts';
import { openProduct } from './product.ts';
import { SHIPPED } from './quality/arena.ts';
import { emojiArena } from './quality/emoji.ts';
import { fashionArena } from './quality/fashion.ts';
import { temporaryDir } from './running.ts';

type Row = Record<string, string | number>;
const SCRIPT = new URL('peer/heads.py', import.meta.url).pathname;

/**
 * Whether a head that bends (one hidden layer beside its linear map) is worth more than the linear one: both trained by PyTorch
 * on the frozen blocks of the first model, and asked about validation items.
 */
export async function headKinds({ peer, seeds }: { peer: string; seeds: number }): Promise<Row[]> {
  const product = await openProduct();
  const dir = await temporaryDir();
  try {
    const rows: Row[] = [];
    for (const open of [emojiArena, fashionArena]) {
      const arena = await open(product);
      if (!arena) continue;
      const request = await requestOf(await arena.seenBy(SHIPPED), join(dir.path, 'parts'));
      for (const row of await asked(peer, { ...request, seeds })) rows.push({ set: arena.name, ...row });
    }
    return rows;
  } finally {
    await dir.remove();
    await product.close();
  }
}

/** Writes what the frozen blocks give for the pictures of train and validation to a file. @returns whose they are. */
async function requestOf(set: TrainingSet, file: string) {
  const fit = await beginFit(
    trainingRequest(set, { recipe: 'head', seconds: 0, steps: null, checkpointSeconds: Number.POSITIVE_INFINITY }),
    new AbortController().signal,
    () => {},
  );
  const all = fusedBlocks(fit.frozen, fit.evidence);
  const blocks = all.filter(({ weight }) => weight > 0);
  const rows = [...itemsIn(set, 'train', 'val')].flatMap((item) =>
    Array.from({ length: set.starts[item + 1]! - set.starts[item]! }, (_, i) => ({
      item,
      picture: set.starts[item]! + i,
    })),
  );
  const parts = await frozenParts(
    fit,
    blocks,
    rows.map(({ picture }) => picture),
    () => {},
  );
  const values = rows.map(({ picture }) => parts.of(picture));
  await writeFile(file, Buffer.concat(values.map((row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength))));
  return {
    file,
    lengths: parts.lengths,
    weights: blocks.map(({ weight }) => weight),
    items: rows.map(({ item }) => item),
    categories: rows.map(({ item }) => set.categories[item]!),
    splits: rows.map(({ item }) => set.splits[item]!),
  };
}

/** Its rows, one a line. */
async function asked(python: string, request: object): Promise<Row[]> {
  const child = spawn(python, ['-B', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  child.stdin.end(JSON.stringify(request));
  let said = '';
  for await (const chunk of child.stdout) said += chunk;
  const [code] = await ended;
  if (code !== 0) throw new Error(`${SCRIPT} ended with ${code}: it needs a Python with torch`);
  return said
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
