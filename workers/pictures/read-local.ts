import { NoPictureFile, readPictureFile } from 'simili/internal/catalog/local-picture';
import { SimiliError } from 'simili/internal/errors';
import { forbidden, tooLarge, unreadable } from './fetch-errors.ts';
import type { Fetched, Revision } from './fetched.ts';

/** A picture on disk; null when it is as it was. @throws SimiliError IMAGE_FORBIDDEN, IMAGE_TOO_LARGE, IMAGE_UNREADABLE */
export async function readLocal(path: string, maxBytes: number, known: Revision | null): Promise<Fetched | null> {
  try {
    const found = await readPictureFile(path, maxBytes, known?.etag ?? null);
    if (found === 'too large') throw tooLarge(path, maxBytes);
    return found && { bytes: found.bytes, revision: { etag: found.revision, lastModified: null } };
  } catch (error) {
    if (error instanceof SimiliError) throw error;
    if (error instanceof NoPictureFile) throw (error.leaves ? forbidden : unreadable)(path, error.message);
    throw unreadable(path, localReason(error as NodeJS.ErrnoException));
  }
}

const localReason = ({ code, message }: NodeJS.ErrnoException): string => {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
  return code === 'EACCES' ? 'reading it is not permitted' : message;
};
