import { mkdir, opendir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../config.ts';
import { PRIVATE_FOLDER, writeWhole } from '../private-files.ts';

/** A copy that nobody names is kept for this long: its picture may be about to be written down. Milliseconds. */
const GRACE_MS = 3_600_000;
const PRUNE_EVERY_MS = 6 * 3_600_000;
/** Copies that are asked about at once. */
const BATCH = 1000;
const NAME = /^[0-9a-f]{64}$/;

export type PictureCopies = {
  /** Null when there is none. */
  read(contentHash: string): Promise<Buffer | null>;
  /** Writing the same one twice, also at the same time, is fine. */
  put(contentHash: string, bytes: Uint8Array): Promise<void>;
  /**
   * Removes what no picture names any more; nothing within six hours of the last time.
   * @param named those of the given hashes that are in use
   * @returns how many
   */
  prune(named: (contentHashes: readonly string[]) => Promise<ReadonlySet<string>>): Promise<number>;
};

/**
 * Copies of pictures that were imported from disk, by the sha-256 of their bytes (hex), for the owner's eyes only: what is
 * shown to shoppers is what was checked and decoded, whatever became of the file.
 */
export function openPictureCopies(dir: string, now: () => number = Date.now): PictureCopies {
  const pathOf = (contentHash: string): string => {
    if (!NAME.test(contentHash)) throw new Error(`${contentHash} is not a sha-256 in hex`);
    return join(dir, contentHash.slice(0, 2), contentHash);
  };
  let prunedAt = Number.NEGATIVE_INFINITY;
  return {
    read: (contentHash) => readFile(pathOf(contentHash)).catch(() => null),
    async put(contentHash, bytes) {
      const path = pathOf(contentHash);
      const found = await stat(path).catch(() => null);
      if (found?.size === bytes.length) return;
      await mkdir(dirname(path), { recursive: true, mode: PRIVATE_FOLDER });
      await writeWhole(path, bytes);
    },
    async prune(named) {
      if (now() - prunedAt < PRUNE_EVERY_MS) return 0;
      prunedAt = now();
      let removed = 0;
      for await (const paths of oldCopies(dir, now() - GRACE_MS)) {
        const used = await named([...paths.keys()].filter((name) => NAME.test(name)));
        for (const [name, path] of paths) {
          if (used.has(name)) continue;
          await rm(path, { force: true });
          removed += 1;
        }
      }
      return removed;
    },
  };
}

/** In the data directory of the configuration. */
export const configuredCopies = ({ SIMILI_DATA_DIR }: Pick<Config, 'SIMILI_DATA_DIR'>): PictureCopies =>
  openPictureCopies(resolve(SIMILI_DATA_DIR, 'pictures'));

/** Path by name, in batches, of files that are older than this, partial ones too. */
async function* oldCopies(dir: string, beforeMs: number): AsyncGenerator<Map<string, string>> {
  let batch = new Map<string, string>();
  const entries = await opendir(dir, { recursive: true }).catch(() => null);
  for await (const entry of entries ?? []) {
    const path = join(entry.parentPath, entry.name);
    const found = entry.isFile() ? await stat(path).catch(() => null) : null;
    if (!found || found.mtimeMs > beforeMs) continue;
    batch.set(entry.name, path);
    if (batch.size < BATCH) continue;
    yield batch;
    batch = new Map();
  }
  if (batch.size > 0) yield batch;
}
