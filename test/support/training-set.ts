import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Split, splitOf, splits } from '../../learning/metrics/split.ts';
import { PICTURE_SIZE, type Picture } from '../../learning/picture.ts';
import type { TrainingSet } from '../../workers/training/protocol.ts';

/** A product of a training set: its pictures are drawn, not fetched. */
export type DrawnItem = { id: string; category: string | null; pictures: Picture[]; split?: Split };

/** Writes pictures the way the pixel cache keeps them. @returns the set, and each picture's key by item. */
export async function writeTrainingSet(dir: string, items: readonly DrawnItem[], side = PICTURE_SIZE) {
  const names = [...new Set(items.flatMap(({ category }) => (category === null ? [] : [category])))];
  const keys = await Promise.all(
    items.map(({ pictures }) => Promise.all(pictures.map((one) => writePicture(dir, one)))),
  );
  const starts = new Int32Array(items.length + 1);
  keys.forEach((own, i) => {
    starts[i + 1] = starts[i]! + own.length;
  });
  const set: TrainingSet = {
    starts,
    hashes: Buffer.from(keys.flat().join(''), 'hex'),
    categories: Int32Array.from(items, ({ category }) => (category === null ? -1 : names.indexOf(category))),
    splits: Uint8Array.from(items, ({ id, split }) => splits.indexOf(split ?? splitOf(id))),
    pixels: { [side]: dir },
  };
  return { set, keys };
}

async function writePicture(dir: string, picture: Picture): Promise<string> {
  const key = createHash('sha256').update(picture).digest('hex');
  await mkdir(join(dir, key.slice(0, 2)), { recursive: true });
  await writeFile(join(dir, key.slice(0, 2), `${key}.rgb`), picture);
  return key;
}

export const KINDS = ['wide', 'tall', 'framed'] as const;

/** A rectangle of one of three forms in one of many colours, on white. */
export function drawn(kind: (typeof KINDS)[number], i: number): Picture {
  const picture = new Uint8Array(PICTURE_SIZE * PICTURE_SIZE * 3).fill(255);
  const colour = [(37 * i) % 200, (91 * i + 60) % 200, (53 * i + 120) % 200];
  const inside = (x: number, y: number): boolean => {
    if (kind === 'wide') return y > 20 + (i % 4) && y < 44;
    if (kind === 'tall') return x > 20 + (i % 4) && x < 44;
    return x < 8 || y < 8 || x > 56 - (i % 4) || y > 56;
  };
  for (let y = 0; y < PICTURE_SIZE; y++) {
    for (let x = 0; x < PICTURE_SIZE; x++) if (inside(x, y)) picture.set(colour, (y * PICTURE_SIZE + x) * 3);
  }
  return picture;
}

/** Products of one drawing: so many of each kind. */
export const drawnCatalog = (ofEachKind = 24): DrawnItem[] =>
  KINDS.flatMap((kind) =>
    Array.from({ length: ofEachKind }, (_, i) => ({ id: `${kind}-${i}`, category: kind, pictures: [drawn(kind, i)] })),
  );
