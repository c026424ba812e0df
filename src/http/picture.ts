import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { SimiliError } from '../errors.ts';
import { BAD_REQUEST } from '../graphql/errors.ts';
import { CATALOG_HEADER } from '../ports/authenticator.ts';
import { mayAsk } from './callers.ts';
import { refuse, tellRefusal } from './refuse.ts';
import { whenOver } from './request-over.ts';

/** A storefront scales what its camera gives; the largest that is taken all the same. */
const MOST_BYTES = 8 * 2 ** 20;
/** Pictures that are being received or looked at, in a process: each is held in memory. */
const AT_ONCE = 16;
const RETRY_AFTER_SECONDS = 2;
const THE_PICTURE = 'the picture';

type Deps = {
  /** A token for `similarToPicture`. */
  look(catalog: string | null, bytes: Uint8Array): Promise<string>;
  /** Longest file of the catalog's own pictures, bytes. */
  maxBytes: number;
};

/**
 * POST /picture: the bytes of a picture, answered by `{ "pictureToken": … }` for `similarToPicture`. A page of another origin needs a preflight
 * for a body of this kind, so those that SIMILI_CORS_ORIGINS does not name cannot send one.
 */
export function receivePicture({ look, maxBytes }: Deps): (RequestHandler | ErrorRequestHandler)[] {
  const most = Math.min(MOST_BYTES, maxBytes);
  const receive = express.raw({ type: ['image/*', 'application/octet-stream'], limit: most, inflate: false });
  const answer: RequestHandler = async (req, res) => {
    if (!Buffer.isBuffer(req.body))
      return refuse(res, 415, 'Send the bytes of a picture, as image/jpeg for one', BAD_REQUEST);
    if (req.body.length === 0) throw new SimiliError('IMAGE_UNREADABLE', { source: THE_PICTURE, why: 'it is empty' });
    const catalog = req.headers[CATALOG_HEADER]?.toString() || null;
    res.json({ pictureToken: await look(catalog, req.body) });
  };
  const tooLong: ErrorRequestHandler = (error: { type?: string }, _req, _res, next) => {
    const isTooLong = error.type === 'entity.too.large';
    next(
      isTooLong ? new SimiliError('IMAGE_TOO_LARGE', { source: THE_PICTURE, why: `more than ${most} bytes` }) : error,
    );
  };
  return [onlyStorefront, atMost(AT_ONCE), receive, answer, tooLong, tellRefusal];
}

const onlyStorefront: RequestHandler = (req, _res, next) => {
  next(mayAsk({ req }, 'storefront') ? undefined : new SimiliError('UNAUTHENTICATED'));
};

/** Before anything of a body is read. */
function atMost(most: number): RequestHandler {
  let inside = 0;
  return (_req: Request, res: Response, next) => {
    if (inside >= most) return next(new SimiliError('PICTURES_BUSY', { retryAfter: RETRY_AFTER_SECONDS }));
    inside += 1;
    whenOver(res, () => {
      inside -= 1;
    });
    next();
  };
}
