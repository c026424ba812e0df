import { isAbsolute } from 'node:path';
import type { RequestHandler } from 'express';
import type { ImageRepository } from '../db/images.ts';
import { isStorable } from '../text.ts';

/**
 * The file behind a picture that was imported from disk and decoded. Only files that the database names, never a path
 * from the request; a picture may be an SVG, so it runs nothing.
 */
export const serveImage =
  (images: Pick<ImageRepository, 'byId'>): RequestHandler<{ id: string }> =>
  async (req, res, next) => {
    const { id } = req.params;
    const image = isStorable(id) ? await images.byId(id) : null;
    if (image?.state !== 'READY' || !image.mime || !isAbsolute(image.source)) {
      res.status(404).end();
      return;
    }
    res.set({
      'Content-Type': image.mime,
      'Content-Security-Policy': "default-src 'none'; sandbox",
      'Cross-Origin-Resource-Policy': 'cross-origin',
      'Cache-Control': 'public, max-age=3600',
    });
    res.sendFile(image.source, { dotfiles: 'allow', cacheControl: false }, (error) => {
      if (!error) return;
      if (res.headersSent) return next(error);
      res.removeHeader('Cache-Control');
      res.status(404).end(); // the file is gone
    });
  };
