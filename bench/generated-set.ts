import { createHash } from 'node:crypto';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GOLDEN } from '../learning/features/golden.ts';
import { scaleToUnit } from '../learning/features/unit.ts';
import { toHalf } from '../learning/numbers/half.ts';
import { makeRandom } from '../learning/numbers/random.ts';
import type { TrainingSet } from '../workers/training/protocol.ts';

export type GeneratedOptions = {
  items: number;
  categories: number;
  /** Sides of the pixel files, in pixels. */
  sides: readonly number[];
  /** Different pictures; items share them in turn. Default: one each, at most 2,000. */
  pictures?: number;
};

/** A training set of generated pictures, in the layout of the pixel cache: blocks of colour that differ by category and item. */
export async function generatedSet(
  dir: string,
  { items, categories, sides, pictures = Math.min(items, 2000) }: GeneratedOptions,
): Promise<TrainingSet> {
  const keys: Buffer[] = [];
  for (let i = 0; i < pictures; i++) {
    const key = createHash('sha256').update(`picture ${i}`).digest();
    keys.push(key);
    const name = key.toString('hex');
    for (const side of sides) {
      await mkdir(join(dir, String(side), name.slice(0, 2)), { recursive: true });
      await writeFile(join(dir, String(side), name.slice(0, 2), `${name}.rgb`), drawn(i, i % categories, side));
    }
  }
  const hashes = new Uint8Array(32 * items);
  for (let i = 0; i < items; i++) hashes.set(keys[i % pictures]!, 32 * i);
  return {
    hashes,
    starts: Int32Array.from({ length: items + 1 }, (_, i) => i),
    categories: Int32Array.from({ length: items }, (_, i) => (i % pictures) % categories),
    splits: Uint8Array.from({ length: items }, (_, i) => (i % 10 < 7 ? 0 : i % 10 < 8 ? 1 : 2)),
    pixels: Object.fromEntries(sides.map((side) => [side, join(dir, String(side))])),
  };
}

/** Stored features of a generated set, of the real lengths: near those of its category, in the files that a worker writes. */
export async function generatedFeatures(
  dir: string,
  { categories }: Pick<TrainingSet, 'categories'>,
): Promise<Required<Pick<TrainingSet, 'encoded' | 'golden'>>> {
  const encoder = {
    id: 'generated-eye',
    title: 'Generated',
    licence: 'none',
    dimensions: 1952,
    parts: [
      { name: 'last', length: 1280 },
      { name: 'middle', length: 672 },
    ],
  };
  const path = join(dir, 'encoded');
  const golden = join(dir, 'golden');
  await writeFeatures(path, categories, encoder.dimensions);
  await writeFeatures(golden, categories, GOLDEN.dimensions);
  return { encoded: { encoder, path }, golden };
}

/** float16 [pictures, dimensions]: where a category lies is drawn from a thousand places, with noise from a thousand rows. */
async function writeFeatures(path: string, categories: Int32Array, dimensions: number): Promise<void> {
  const random = makeRandom(dimensions);
  const drawnRows = () =>
    Array.from({ length: 1000 }, () => Float32Array.from({ length: dimensions }, () => random.gaussian()));
  const [places, noises] = [drawnRows(), drawnRows()] as const;
  const file = await open(path, 'w');
  try {
    for (let from = 0; from < categories.length; from += 1000) {
      const rows = Array.from(categories.subarray(from, from + 1000), (category, i) => {
        const [place, noise] = [places[category % 1000]!, noises[i]!];
        return toHalf(scaleToUnit(place.map((x, k) => Math.abs(x + noise[k]!))));
      });
      await file.write(Buffer.concat(rows.map((row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength))));
    }
  } finally {
    await file.close();
  }
}

/** Where the blocks lie tells the category, their colours the item. */
function drawn(item: number, category: number, side: number): Uint8Array {
  const pixels = new Uint8Array(side * side * 3).fill(255);
  const place = makeRandom(1000 + category);
  const paint = makeRandom(item);
  for (let block = 0; block < 4; block++) {
    const [left, top] = [place.next() * 0.6, place.next() * 0.6].map((share) => Math.floor(share * side)) as [
      number,
      number,
    ];
    const [wide, high] = [0.1 + place.next() * 0.3, 0.1 + place.next() * 0.3].map((share) =>
      Math.ceil(share * side),
    ) as [number, number];
    const colour = [paint.int(220), paint.int(220), paint.int(220)];
    for (let y = top; y < top + high; y++) {
      for (let x = left; x < left + wide; x++) pixels.set(colour, (y * side + x) * 3);
    }
  }
  return pixels;
}
