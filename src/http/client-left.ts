import type { Response } from 'express';
import { whenOver } from './request-over.ts';

/** A page's statements end in less by themselves, ms, and cancelling one costs its connection to the database. */
const GRACE_MS = 100;

/**
 * Aborts a moment after the connection of a request closed before its answer was sent. A connection that is kept alive closes
 * no answer but the one that is on its way.
 */
export function clientLeft(res: Response): AbortSignal {
  const leaving = new AbortController();
  whenOver(res, () => {
    if (!res.writableFinished) setTimeout(() => leaving.abort(), GRACE_MS).unref();
  });
  return leaving.signal;
}
