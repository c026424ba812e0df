import { randomUUID } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** For new files and folders of the data directory: database, keys and pictures are their owner's alone. */
export const PRIVATE_FILE = 0o600;
export const PRIVATE_FOLDER = 0o700;
/** Ends the name of a file that is being written: one that stays is of a process that was killed. */
export const PARTIAL = '.part';
const OTHERS = 0o007;
const ALL_BUT_OWNER = 0o077;

/**
 * Makes a folder that only its owner may enter. One that is there already is closed to strangers; its group keeps what an
 * operator gave it.
 * @throws NodeJS.ErrnoException when it cannot be made
 */
export function makePrivateFolder(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: PRIVATE_FOLDER });
  tighten(dir, OTHERS);
}

/** Writes a file of a cache, which others may read or write at the same time: they see it whole, or not at all. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const partial = `${path}.${randomUUID()}${PARTIAL}`;
  try {
    await writeFile(partial, bytes, { mode: PRIVATE_FILE });
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Takes the rights of everybody but the owner from a folder and all that lies below; PGlite unpacks its files as rw for all. */
export function makePrivate(dir: string): void {
  tighten(dir, ALL_BUT_OWNER);
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) tighten(join(entry.parentPath, entry.name), ALL_BUT_OWNER);
  }
}

/** A file of another owner, or on a read-only disk, stays as it is; one that is gone was temporary. */
function tighten(path: string, rights: number): void {
  try {
    const { mode } = lstatSync(path);
    if ((mode & rights) !== 0) chmodSync(path, mode & 0o777 & ~rights);
  } catch (error) {
    if (!['EPERM', 'EROFS', 'EACCES', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
