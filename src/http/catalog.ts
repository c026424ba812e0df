import type { RequestHandler } from 'express';
import { CATALOG_HEADER } from '../ports/authenticator.ts';

/**
 * Some requests cannot carry a header (a picture in a page, `navigator.sendBeacon`): their URL names the catalog, `?catalog=`. The
 * header goes before it.
 */
export const catalogOfUrl: RequestHandler = (req, _res, next) => {
  const { catalog } = req.query;
  if (catalog !== undefined) req.headers[CATALOG_HEADER] ??= String(catalog);
  next();
};
