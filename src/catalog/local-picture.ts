import { constants } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Where a picture on disk is, and which content it had: size in bytes and time of change, as one text. */
export type FileState = { revision: string; size: number };

/** Not a file that may be read as a picture; the message says why. `leaves`: a link is in the way. */
export class NoPictureFile extends Error {
  constructor(
    why: string,
    readonly leaves = false,
  ) {
    super(why);
  }
}

/**
 * A path with every link above its last part resolved: what an import writes down, so that a link which is made or moved
 * afterwards leads nowhere. Parts that do not exist yet stay as they are.
 */
export async function canonicalPath(path: string): Promise<string> {
  return join(await realFolder(dirname(path)), basename(path));
}

async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch {
    const above = dirname(folder);
    return above === folder ? folder : join(await realFolder(above), basename(folder));
  }
}

/** Size and revision of a file, without opening it. @throws NodeJS.ErrnoException when there is no such file. */
export async function stateOf(path: string): Promise<FileState> {
  const { size, mtimeMs } = await lstat(path);
  return { size, revision: `file ${size} ${Math.floor(mtimeMs)}` };
}

/**
 * Opens a picture without following any link, neither at its end nor above it, and reads it.
 * @param path canonical (see `canonicalPath`)
 * @param known the revision that was read before: then null comes back when it is still the same
 * @throws NoPictureFile; NodeJS.ErrnoException
 */
export async function readPictureFile(
  path: string,
  maxBytes: number,
  known: string | null = null,
): Promise<{ bytes: Buffer; revision: string } | 'too large' | null> {
  await noLinksAbove(path);
  // Not blocking: a pipe without a writer would hold the thread for good.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error) => {
    throw (error as NodeJS.ErrnoException).code === 'ELOOP' ? new NoPictureFile('it is a link', true) : error;
  });
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new NoPictureFile(found.isDirectory() ? 'it is a folder' : 'it is not a file');
    await noLinksAbove(path);
    const there = await lstat(path); // a folder that became a link for the moment of opening
    if (there.ino !== found.ino || there.dev !== found.dev) throw new NoPictureFile('it changed while it was opened');
    const revision = `file ${found.size} ${Math.floor(found.mtimeMs)}`;
    if (revision === known) return null;
    if (found.size > maxBytes) return 'too large';
    const bytes = Buffer.alloc(found.size);
    const { bytesRead } = await file.read(bytes, 0, found.size, 0);
    return { bytes: bytes.subarray(0, bytesRead), revision };
  } finally {
    await file.close();
  }
}

async function noLinksAbove(path: string): Promise<void> {
  const folder = dirname(path);
  if ((await realpath(folder)) !== folder) throw new NoPictureFile('a link leads to its folder: import it again', true);
}
