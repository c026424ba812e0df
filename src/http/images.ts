import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import type { Request, RequestHandler } from 'express';
import { readPictureFile } from '../catalog/local-picture.ts';
import type { PictureCopies } from '../catalog/picture-copies.ts';
import type { ImageRepository } from '../db/images.ts';
import { SimiliError } from '../errors.ts';
import { CATALOG_HEADER } from '../ports/authenticator.ts';
import { isStorable, UNSTORABLE } from '../text.ts';
import { refuse } from './refuse.ts';

type Deps = {
  images: { byId(catalog: string | null, id: string): ReturnType<ImageRepository['byId']> };
  copies: Pick<PictureCopies, 'read'>;
  /** Longest file that is read where there is no copy, bytes. */
  maxBytes: number;
};

/**
 * A picture that was imported from disk and decoded: the very bytes that were, by their hash, with the type that was found
 * then. From the copy that the worker made; on a machine without it from the file, if that is still the same. A picture may
 * be an SVG, so it runs nothing.
 */
export const serveImage =
  ({ images, copies, maxBytes }: Deps): RequestHandler<{ id: string }> =>
  async (req, res) => {
    const { id } = req.params;
    if (!isStorable(id)) {
      const { message, extensions } = new SimiliError('INVALID_ARGUMENT', { argument: 'id', why: UNSTORABLE });
      return refuse(res, 400, message, extensions);
    }
    const image = await images.byId(catalogOf(req), id).catch(noneInUnknownCatalog);
    const { source = '', mime, contentHash } = image ?? {};
    const bytes =
      image?.state === 'READY' && mime && contentHash && isAbsolute(source)
        ? ((await copies.read(contentHash)) ?? (await unchangedFile(source, contentHash, maxBytes)))
        : null;
    if (!bytes || !mime) {
      res.status(404).end();
      return;
    }
    res.set({
      'Content-Type': mime,
      'Content-Security-Policy': "default-src 'none'; sandbox",
      'Cross-Origin-Resource-Policy': 'cross-origin',
      'Cache-Control': 'public, max-age=3600',
      ETag: `"${contentHash}"`,
    });
    res.send(bytes);
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
