import { mkdir, opendir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Picture } from '@simili/learning/picture';
import { PARTIAL, PRIVATE_FOLDER, writeWhole } from 'simili/internal/private-files';

/** Facts of the picture the pixels were made from. */
export type PictureFacts = { width: number; height: number; mime: string };

export type PixelCacheOptions = {
  dir: string;
  /** Everything besides the bytes that the pixels depend on. */
  size: number;
  decodeVersion: number;
  /** `#rrggbb` */
  background: string;
  /** Marks what was used last; default: now. */
  clock?: () => Date;
};

/** A partial file older than this was left by a process that died. Milliseconds. */
const PARTIAL_MS = 3_600_000;

/**
 * Decoded pictures on disk, by the sha-256 of the picture's bytes (hex): a file of plain uint8 RGB [size, size, 3] and,
 * behind it, the facts as JSON. Files appear whole or not at all, so any number of processes may share the folder.
 */
export function openPixelCache({ dir, size, decodeVersion, background, clock }: PixelCacheOptions) {
  const folder = join(dir, `v${decodeVersion}-${size}-${background.slice(1).toLowerCase()}`);
  const bytes = size * size * 3;
  const now = clock ?? (() => new Date());

  /** Where the pixels of this picture are, or would be. */
  const pathOf = (contentHash: string): string => {
    if (!/^[0-9a-f]{64}$/.test(contentHash)) throw new Error(`${contentHash} is not a sha-256 in hex`);
    return join(folder, contentHash.slice(0, 2), `${contentHash}.rgb`);
  };
  /** Counts as a use. False also when a file is damaged. */
  const has = async (contentHash: string): Promise<boolean> => (await get(contentHash)) !== null;
  /** Counts as a use. Null when it is not there, or damaged. */
  const get = async (contentHash: string): Promise<PictureFacts | null> => {
    const path = pathOf(contentHash);
    try {
      const facts = JSON.parse((await readFile(path)).toString('utf8', bytes)) as PictureFacts;
      await utimes(path, now(), now());
      return facts;
    } catch {
      return null;
    }
  };
  /** @returns the path of the pixels. Writing the same picture twice, also at the same time, is fine. */
  const put = async (contentHash: string, pixels: Picture, facts: PictureFacts): Promise<string> => {
    const path = pathOf(contentHash);
    if (pixels.length !== bytes) throw new Error(`${pixels.length} bytes of pixels, ${bytes} belong here`);
    await makeFolder(dirname(path));
    await write(path, Buffer.concat([pixels, Buffer.from(JSON.stringify(facts))]));
    if (clock) await utimes(path, clock(), clock());
    return path;
  };
  const remove = (contentHash: string): Promise<void> => rm(pathOf(contentHash), { force: true });
  /**
   * Removes what was used longest ago, of any side, version or background, until `maxBytes` are left. Looks twice
   * instead of keeping a million paths. @returns bytes removed.
   */
  const prune = async (maxBytes: number): Promise<number> => {
    const kept: Use[] = [];
    for await (const { path, ...use } of entries(dir)) {
      if (!path.endsWith(PARTIAL)) kept.push(use);
      else if (now().getTime() - use.usedMs > PARTIAL_MS) await rm(path, { force: true });
    }
    const excess = kept.reduce((sum, { bytes }) => sum + bytes, 0) - maxBytes;
    const newest = newestToRemove(kept, excess);
    let removed = 0;
    for await (const { path, bytes, usedMs } of excess > 0 ? entries(dir) : []) {
      if (removed >= excess) break;
      if (usedMs > newest || path.endsWith(PARTIAL)) continue;
      await rm(path, { force: true });
      removed += bytes;
    }
    return removed;
  };
  return { folder, pathOf, has, get, put, remove, prune };
}

const made = new Set<string>();

/** A system call for each picture less: only the content of a cache is ever removed, no folder. */
async function makeFolder(path: string): Promise<void> {
  if (made.has(path)) return;
  await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER });
  made.add(path);
}

async function write(path: string, data: Uint8Array): Promise<void> {
  try {
    await writeWhole(path, data);
  } catch (error) {
    made.delete(dirname(path)); // somebody did remove it
    throw error;
  }
}

type Use = { bytes: number; usedMs: number };
type Entry = Use & { path: string };

/** When the last one was used of those that free `excess` bytes, oldest first. */
function newestToRemove(kept: Use[], excess: number): number {
  kept.sort((a, b) => a.usedMs - b.usedMs);
  let freed = 0;
  for (const { bytes, usedMs } of kept) {
    freed += bytes;
    if (freed >= excess) return usedMs;
  }
  return Number.POSITIVE_INFINITY;
}

/** Pixel files and partial files under `dir`; none when it does not exist. */
async function* entries(dir: string): AsyncIterable<Entry> {
  const found = await opendir(dir, { recursive: true }).catch(() => null);
  for await (const { name, parentPath } of found ?? []) {
    if (!name.endsWith('.rgb') && !name.endsWith(PARTIAL)) continue;
    const path = join(parentPath, name);
    const file = await stat(path).catch(() => null); // another process may prune too
    if (file?.isFile()) yield { path, bytes: file.size, usedMs: file.mtimeMs };
  }
}
