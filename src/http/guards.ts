import type { ErrorRequestHandler, RequestHandler } from 'express';
import { SimiliError } from '../errors.ts';
import { MOST_CHARACTERS } from '../graphql/cost/limits.ts';
import { internalError } from '../graphql/mask.ts';
import type { Log } from '../log.ts';
import { CATALOG_HEADER } from '../ports/authenticator.ts';
import { refuse } from './refuse.ts';

export const onlyMethods =
  (...methods: string[]): RequestHandler =>
  (req, res, next) => {
    if (methods.includes(req.method)) return next();
    refuse(res.set('Allow', methods.join(', ')), 405, `Use ${methods.join(' or ')}`, {
      code: 'BAD_REQUEST',
      retry: false,
    });
  };

/**
 * Tokens are counted by the parser, comments are none: so the document has a length, too. A GET has the one that Node
 * allows of a URL. Apollo's middleware asks for a body, also of a GET.
 */
export const onlyShortDocuments: RequestHandler = (req, res, next) => {
  req.body ??= {};
  const { query } = req.body as { query?: unknown };
  if (typeof query !== 'string' || query.length <= MOST_CHARACTERS) return next();
  const { message, extensions } = new SimiliError('TOO_COSTLY', {
    what: 'characters in a document',
    most: MOST_CHARACTERS,
  });
  refuse(res, 400, message, extensions);
};

/**
 * Answers are of this moment and carry a list's signature: no browser and no proxy keeps one, unless `keptAnswers` says so. What is kept
 * is of one catalog, which a key may name as well.
 */
export const notKept: RequestHandler = (_req, res, next) => {
  res.setHeader('Cache-Control', 'no-store');
  res.vary(`${CATALOG_HEADER}, Authorization`);
  next();
};

/** A year: browsers that came over TLS once never come without it again. Subdomains are not ours to speak for. */
const STRICT_TRANSPORT = 'max-age=31536000';

/** Everywhere: nothing is sniffed, framed or told to other sites. */
export const secureHeaders: RequestHandler = (req, res, next) => {
  // TLS ends at a proxy; `secure` is what one that is trusted says in X-Forwarded-Proto.
  if (req.secure) res.setHeader('Strict-Transport-Security', STRICT_TRANSPORT);
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Referrer-Policy', 'same-origin');
  res.setHeader('X-Frame-Options', 'DENY');
  next();
};

/** A body that is too large or no JSON is the caller's; anything else is ours. */
export const lastResort =
  (log: Log): ErrorRequestHandler =>
  (error: { status?: number; message: string }, _req, res, _next) => {
    if (res.headersSent) {
      res.destroy();
    } else if (error.status && error.status < 500) {
      refuse(res, error.status, error.message, {
        code: 'BAD_REQUEST',
        retry: false,
      });
    } else if (error instanceof SimiliError && error.retry) {
      const { message, extensions } = error;
      if (extensions.retryAfter) res.set('Retry-After', String(extensions.retryAfter));
      refuse(res, 503, message, extensions);
    } else {
      const { message, extensions } = internalError(error, log);
      refuse(res, 500, message, extensions);
    }
  };
