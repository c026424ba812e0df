import { open } from 'node:fs/promises';
import type { InstalledEncoder } from '@simili/worker/engines/onnx/encoder-description';
import { hashAt } from '@simili/worker/training/data/picture-store';
import type { EncodedPictures, EncodeRequest, EncodeResult, TrainingSet } from '@simili/worker/training/protocol';

type Encode = (request: Omit<EncodeRequest, 'threads'>) => Promise<EncodeResult>;

const PICTURES_AT_ONCE = 128;

/**
 * Lets an encoder look at all pictures of a set, whose pixels are in the cache at its side.
 * @param path of the file that is written
 */
export async function encodeSet(
  { hashes, pixels }: Pick<TrainingSet, 'hashes' | 'pixels'>,
  encoder: InstalledEncoder,
  path: string,
  encode: Encode,
): Promise<EncodedPictures> {
  const folder = pixels[encoder.description.input.side];
  if (folder === undefined) throw new Error(`This set has no pictures for ${encoder.facts.id}`);
  const keys = Array.from({ length: hashes.length / 32 }, (_, picture) => hashAt(hashes, picture));
  const file = await open(path, 'w');
  try {
    for (let at = 0; at < keys.length; at += PICTURES_AT_ONCE) {
      const { vectors } = await encode({ encoder, folder, pictures: keys.slice(at, at + PICTURES_AT_ONCE) });
      await file.appendFile(new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength));
    }
  } finally {
    await file.close();
  }
  return { encoder: encoder.facts, path };
}
