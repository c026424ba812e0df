import type { ErrorRequestHandler, RequestHandler } from 'express';
import { SimiliError } from '../errors.ts';
import { MOST_CHARACTERS } from '../graphql/cost/limits.ts';
import { BAD_REQUEST } from '../graphql/errors.ts';
import { internalError } from '../graphql/mask.ts';
import type { Log } from '../log.ts';
import { CATALOG_HEADER } from '../ports/authenticator.ts';
import { refuse, refuseFor } from './refuse.ts';

export const onlyMethods =
  (...methods: string[]): RequestHandler =>
  (req, res, next) => {
    if (methods.includes(req.method)) return next();
    refuse(res.set('Allow', methods.join(', ')), 405, `Use ${methods.join(' or ')}`, BAD_REQUEST);
  };

/**
 * Tokens and comments are counted by the parser, what is between them is not: so the document has a length, too. A GET has the one that Node
 * allows of a URL. Apollo's middleware asks for a body, also of a GET.
 */
export const onlyShortDocuments: RequestHandler = (req, res, next) => {
  req.body ??= {};
  const { query } = req.body as { query?: unknown };
  if (typeof query !== 'string' || query.length <= MOST_CHARACTERS) return next();
  refuseFor(res, new SimiliError('TOO_COSTLY', { what: 'characters in a document', most: MOST_CHARACTERS }));
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

/** Refuses what nobody has answered. */
export const notFound: RequestHandler = (req, res) =>
  refuseFor(res, new SimiliError('NOT_FOUND', { what: 'address', id: req.path }));

/** An error of whatever reads a body: `type` is that of raw-body, which errors of zlib have none of. */
type BodyError = { status?: number; message: string; type?: string; body?: unknown };

/** A sentence for the caller where the reader of bodies has none. */
function whatIsWrong({ type, body, message }: BodyError, coding = 'identity'): string {
  if (type === 'encoding.unsupported') return `A body in the content-encoding ${coding} is not taken here`;
  if (type === undefined && coding !== 'identity')
    return `The body is not in its content-encoding ${coding}: ${message}`;
  if (type === 'entity.parse.failed' && isJson(body)) return 'The body must be a JSON object';
  return message;
}

function isJson(text: unknown): boolean {
  try {
    JSON.parse(String(text));
    return true;
  } catch {
    return false;
  }
}

/** A body that is too large or no JSON is the caller's; anything else is ours. */
export const lastResort =
  (log: Log): ErrorRequestHandler =>
  (error: BodyError, req, res, _next) => {
    if (res.headersSent) {
      res.destroy();
    } else if (error.status && error.status < 500) {
      refuse(res, error.status, whatIsWrong(error, req.headers['content-encoding']), BAD_REQUEST);
    } else if (error instanceof SimiliError && error.retry) {
      const { message, extensions } = error;
      if (extensions.retryAfter) res.set('Retry-After', String(extensions.retryAfter));
      refuse(res, 503, message, extensions);
    } else {
      const { message, extensions } = internalError(error, log);
      refuse(res, 500, message, extensions);
    }
  };
