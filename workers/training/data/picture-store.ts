import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Picture } from '@simili/learning/picture';
import type { TrainingSet } from '../protocol.ts';

/**
 * Pictures of a training set by index and side, those used last kept in memory, so that memory does not grow with the
 * catalog. @throws Error when a file is not a picture of that side.
 */
export function makePictureStore(
  { hashes, pixels }: Pick<TrainingSet, 'hashes' | 'pixels'>,
  capacityBytes = 256 * 2 ** 20,
): (picture: number, side: number) => Picture {
  const kept = new Map<string, Picture>();
  let bytes = 0;
  return (picture, side) => {
    const key = `${side} ${picture}`;
    const known = kept.get(key);
    if (known) {
      kept.delete(key); // re-inserted last: the first entry is the one not used for longest
      kept.set(key, known);
      return known;
    }
    const folder = pixels[side];
    if (folder === undefined) throw new Error(`This set has no pictures of ${side} px`);
    const hash = hashAt(hashes, picture);
    const fresh = readPicture(join(folder, hash.slice(0, 2), `${hash}.rgb`), side);
    kept.set(key, fresh);
    bytes += fresh.length;
    while (bytes > capacityBytes && kept.size > 1) {
      const [oldest, gone] = kept.entries().next().value as [string, Picture];
      kept.delete(oldest);
      bytes -= gone.length;
    }
    return fresh;
  };
}

/** Hex of the sha-256 of one picture, its key in the cache. @param hashes [pictures, 32] */
export const hashAt = (hashes: Uint8Array, picture: number): string =>
  Buffer.from(hashes.buffer, hashes.byteOffset + 32 * picture, 32).toString('hex');

/** Behind the pixels the file may hold what is known of them (`pixel-cache.ts`). */
function readPicture(path: string, side: number): Picture {
  const bytes = readFileSync(path);
  const length = side * side * 3;
  if (bytes.length < length) {
    throw new Error(`${path} holds ${bytes.length} bytes, a picture of ${side} px has ${length}`);
  }
  return bytes.subarray(0, length);
}
