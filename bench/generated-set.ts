import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeRandom } from '../src/learning/random.ts';
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
