import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SimiliError } from '../../src/errors.ts';
import { fetchFrom, type HubFile, type HubListing, reasonOf } from './hub-client.ts';

/** Times in a row that a connection may break without a byte. */
const TRIES = 3;

/**
 * Brings a file of a model into a folder. What an earlier try brought is kept; nothing is there under its name before it
 * is whole and has the checksum that the hub lists.
 * @param tell bytes that are there.
 * @throws SimiliError SERVER_UNREACHABLE, SERVER_REFUSED; IMPORT_UNREADABLE: it is not what is listed.
 */
export async function download(
  base: string,
  model: HubListing,
  file: HubFile,
  folder: string,
  tell: (bytes: number) => void,
): Promise<void> {
  const path = join(folder, file.path);
  if (await isWhole(path, file)) return tell(file.size);
  const partial = `${path}.part`;
  await mkdir(dirname(path), { recursive: true });
  for (let tries = 0; (await sizeOf(partial)) !== file.size || file.size === 0; ) {
    const before = await sizeOf(partial);
    const error = await bring(base, model, file, partial, tell);
    if (error === null && (await sizeOf(partial)) === file.size) break;
    tries = (await sizeOf(partial)) > before ? 0 : tries + 1;
    if (tries >= TRIES)
      throw new SimiliError('SERVER_UNREACHABLE', {
        url: base,
        why: `${file.path} broke off: ${error ?? 'too short'}`,
      });
  }
  if (!(await isWhole(partial, file))) {
    await rm(partial, { force: true });
    throw new SimiliError('IMPORT_UNREADABLE', {
      source: `${model.id}/${file.path}`,
      why: `what came has not the checksum that the hub lists (${file.hash.hex})`,
    });
  }
  await rename(partial, path);
}

/** Goes on where the file ends. @returns why it broke off; null: it did not. @throws SimiliError SERVER_REFUSED */
async function bring(
  base: string,
  model: HubListing,
  file: HubFile,
  partial: string,
  tell: (bytes: number) => void,
): Promise<string | null> {
  const have = await sizeOf(partial);
  try {
    const response = await fetchFrom(base, model, file.path, have > file.size ? 0 : have);
    const goesOn = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${have}-`);
    await using out = await open(partial, goesOn ? 'a' : 'w'); // any other answer begins at the beginning
    let bytes = goesOn ? have : 0;
    if (!response.ok || !response.body) return `it answered ${response.status}`;
    for await (const chunk of response.body) {
      bytes += chunk.length;
      if (bytes > file.size) return 'it is longer than listed';
      await out.write(chunk);
      tell(bytes);
    }
    return null;
  } catch (error) {
    if (error instanceof SimiliError && error.code !== 'SERVER_UNREACHABLE') throw error;
    return reasonOf(error as Error);
  }
}

async function isWhole(path: string, { size, hash }: HubFile): Promise<boolean> {
  if ((await sizeOf(path)) !== size) return false;
  const sum = createHash(hash.algorithm === 'git' ? 'sha1' : 'sha256');
  if (hash.algorithm === 'git') sum.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path)) sum.update(chunk as Uint8Array);
  return sum.digest('hex') === hash.hex;
}

/** -1: there is none. */
const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => null))?.size ?? -1;
