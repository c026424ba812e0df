import type { UploadedPictureRepository } from 'simili/internal/db/uploaded-pictures';
import { tooLarge, unreadable } from './fetch-errors.ts';
import type { Fetched, Revision } from './fetched.ts';

export type Uploads = Pick<UploadedPictureRepository, 'read'>;

/** A picture that was sent as a file; null when it was read before: its content is its name. @throws SimiliError IMAGE_TOO_LARGE, IMAGE_UNREADABLE */
export async function readUploaded(
  uploads: Uploads,
  contentHash: string,
  source: string,
  maxBytes: number,
  known: Revision | null,
): Promise<Fetched | null> {
  if (known?.etag === contentHash) return null;
  const bytes = await uploads.read(contentHash);
  if (!bytes) throw unreadable(source, 'it is not stored: send it again');
  if (bytes.length > maxBytes) throw tooLarge(source, maxBytes);
  return { bytes, revision: { etag: contentHash, lastModified: null } };
}
