import { readFileSync } from 'node:fs';
import { PICTURE_SIZE, type Picture } from '../../src/learning/served-model.ts';

const BYTES = PICTURE_SIZE * PICTURE_SIZE * 3;

/**
 * Pictures of the pixel cache by file, the latest `capacity` of them kept in memory (12 KB each), so that memory does
 * not grow with the catalog. @throws Error when a file is not a picture of the cache.
 */
export function makePictureStore(capacity = 20_000): (path: string) => Picture {
  const kept = new Map<string, Picture>();
  return (path) => {
    const picture = kept.get(path) ?? readPicture(path);
    kept.delete(path); // re-inserted last: the first entry is the one not used for longest
    kept.set(path, picture);
    if (kept.size > capacity) kept.delete(kept.keys().next().value as string);
    return picture;
  };
}

function readPicture(path: string): Picture {
  const bytes = readFileSync(path);
  if (bytes.length !== BYTES) throw new Error(`${path} holds ${bytes.length} bytes, a picture has ${BYTES}`);
  return bytes;
}
