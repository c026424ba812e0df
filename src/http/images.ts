import { createHash } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { readPictureFile } from '../catalog/local-picture.ts';
import type { PictureCopies } from '../catalog/picture-copies.ts';
import { isShownHere, uploadedHash } from '../catalog/uploaded-picture.ts';
import type { ImageRepository } from '../db/images.ts';
import type { UploadedPictureRepository } from '../db/uploaded-pictures.ts';
import { SimiliError } from '../errors.ts';
import { CATALOG_HEADER } from '../ports/authenticator.ts';
import { isStorable, UNSTORABLE } from '../text.ts';
import { refuseFor } from './refuse.ts';

type Deps = {
  images: { byId(catalog: string | null, id: string): ReturnType<ImageRepository['byId']> };
  copies: Pick<PictureCopies, 'read'>;
  /** Pictures that were sent as files. */
  uploads: Pick<UploadedPictureRepository, 'read'>;
  /** Longest file that is read where there is no copy, bytes. */
  maxBytes: number;
};

/**
 * A picture that was imported from disk or sent as a file, and decoded: the very bytes that were, by their hash, with the type that was found
 * then. From the copy that the worker made; on a machine without it from the database, or from the file, if that is still the same. A picture
 * may be an SVG, so it runs nothing.
 */
export const serveImage =
  ({ images, copies, uploads, maxBytes }: Deps): RequestHandler<{ id: string }> =>
  async (req, res) => {
    const original = (source: string, contentHash: string) =>
      uploadedHash(source) === null ? unchangedFile(source, contentHash, maxBytes) : uploads.read(contentHash);
    const { id } = req.params;
    if (!isStorable(id)) {
      return refuseFor(res, new SimiliError('INVALID_ARGUMENT', { argument: 'id', why: UNSTORABLE }));
    }
    const image = await images.byId(catalogOf(req), id).catch(noneInUnknownCatalog);
    const { source = '', mime, contentHash } = image ?? {};
    const bytes =
      image?.state === 'READY' && mime && contentHash && isShownHere(source)
        ? ((await copies.read(contentHash)) ?? (await original(source, contentHash)))
        : null;
    if (!bytes || !mime) return refuseFor(res, new SimiliError('NOT_FOUND', { what: 'picture', id }));
    res.set({
      'Content-Type': mime,
      'Content-Security-Policy': "default-src 'none'; sandbox",
      'Cross-Origin-Resource-Policy': 'cross-origin',
      'Cache-Control': 'public, max-age=3600',
      ETag: `"${contentHash}"`,
    });
    res.send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  };

const catalogOf = (req: Pick<Request, 'headers'>): string | null => req.headers[CATALOG_HEADER]?.toString() || null;

function noneInUnknownCatalog(error: unknown): null {
  if (error instanceof SimiliError && error.code === 'CATALOG_UNKNOWN') return null;
  throw error;
}

async function unchangedFile(path: string, contentHash: string, maxBytes: number): Promise<Buffer | null> {
  const found = await readPictureFile(path, maxBytes).catch(() => null);
  if (found === null || found === 'too large') return null;
  return createHash('sha256').update(found.bytes).digest('hex') === contentHash ? found.bytes : null;
}
