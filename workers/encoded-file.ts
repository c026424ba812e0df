import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadyImage } from '../src/db/images.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER } from '../src/private-files.ts';
import type { WorkerContext } from './context.ts';
import type { InstalledEncoder } from './encoders/find.ts';
import { encodePictures } from './encoding.ts';
import type { EncodedPictures } from './training/protocol.ts';

/** What an encoder saw in the pictures of a training set, picture by picture. */
export type EncodedFile = {
  /** Adds pictures in their order. @returns those that could be read and seen: the others are no part of the set. */
  add(images: readonly ReadyImage[], signal: AbortSignal): Promise<ReadyImage[]>;
  finish(): Promise<EncodedPictures>;
  /** For when it is not finished. */
  abandon(): Promise<void>;
};

/** A week: no training takes longer than a day. */
const OLD_MS = 7 * 86_400_000;

/** A file of float16 [pictures, dimensions] in the data directory, one for each job; an engine process reads it. */
export async function openEncodedFile(
  context: Pick<WorkerContext, 'repositories' | 'pictures' | 'embedder' | 'config' | 'log'>,
  encoder: InstalledEncoder,
  jobId: string,
): Promise<EncodedFile> {
  const folder = join(context.config.SIMILI_DATA_DIR, 'features');
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  await removeOld(folder);
  const path = join(folder, `${jobId}.f16`);
  const aside = `${path}.${process.pid}.${Date.now()}.part`;
  const file: FileHandle = await open(aside, 'w', PRIVATE_FILE);
  return {
    async add(images, signal) {
      const seen = await encodePictures(context, encoder, images, signal);
      const kept = images.filter(({ contentHash }) => seen.has(contentHash));
      for (const { contentHash } of kept) await file.appendFile(bytesOf(seen.get(contentHash)!));
      return kept;
    },
    async finish() {
      await file.close();
      await rename(aside, path);
      return { encoder: encoder.facts, path };
    },
    async abandon() {
      await file.close();
      await rm(aside, { force: true });
    },
  };
}

/** Node runs on little-endian machines only. */
const bytesOf = (bits: Uint16Array): Uint8Array => new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength);

async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() })); // somebody else removed it
    if (Date.now() - mtimeMs > OLD_MS) await rm(path, { force: true });
  }
}
