import express, { type ErrorRequestHandler, type RequestHandler, Router } from 'express';
import { BAD_REQUEST } from '../graphql/errors.ts';
import { mayAsk } from './callers.ts';
import type { Limits } from './limits.ts';
import { readMultipart } from './multipart.ts';
import { refuse, tellRefusal } from './refuse.ts';

/** A request with all its files. */
const MOST_BYTES = 32 * 2 ** 20;
const MULTIPART = 'multipart/form-data';
/** One of these makes a browser ask before it sends for a page of another origin, as it would not for a form. Apollo's own two. */
const PREFLIGHTED = ['apollo-require-preflight', 'x-apollo-operation-name'];

type Deps = {
  limits: Pick<Limits, 'sentFiles'>;
  /** Longest picture, bytes. */
  maxBytes: number;
};

/**
 * Requests with files (graphql-multipart-request-spec) become what a request without is, with files among its variables; others pass. Who may
 * not write the catalog, or sends without a header of its own, is refused before a byte is read.
 */
export function receiveFiles({ limits, maxBytes }: Deps): Router {
  const router = Router();
  router.use((req, _res, next) => next(req.is(MULTIPART) ? undefined : 'router'));
  router.use(onlyCatalog, onlyPreflighted, ...limits.sentFiles);
  router.use(express.raw({ type: MULTIPART, limit: MOST_BYTES, inflate: false }));
  router.use(async (req, _res, next) => {
    req.body = await readMultipart(req.body, req.headers['content-type'] ?? '', maxBytes);
    next();
  });
  router.use(tooLong, tellRefusal);
  return router;
}

const onlyCatalog: RequestHandler = (req, _res, next) => {
  mayAsk({ req }, 'catalog'); // an admin key is there; it may be for something else
  next();
};

const onlyPreflighted: RequestHandler = (req, res, next) => {
  if (PREFLIGHTED.some((name) => req.headers[name])) return next();
  refuse(res, 400, 'A request with files needs the header apollo-require-preflight: 1', BAD_REQUEST);
};

const tooLong: ErrorRequestHandler = (error: { type?: string }, _req, res, next) => {
  if (error.type !== 'entity.too.large') return next(error);
  refuse(res, 413, `A request with files may have at most ${MOST_BYTES} bytes`, BAD_REQUEST);
};
