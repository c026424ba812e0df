import type { Server } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import type { RequestHandler } from 'express';

const CUT_MS = 10_000;
const SWEEP_MS = 50;
const QUIET_TURNS = 5;
const PATIENCE_MS = 5_000;

export type Stopping = {
  /** From now on answers ask their callers to connect elsewhere. Everything is still served. */
  begin(): void;
  begun(): boolean;
  /** First of all handlers. */
  readonly handler: RequestHandler;
};

export function makeStopping(): Stopping {
  let begun = false;
  return {
    begin() {
      begun = true;
    },
    begun: () => begun,
    handler(_req, res, next) {
      if (begun) res.set('Connection', 'close');
      next();
    },
  };
}

/** Answers all that has arrived, then closes connections; whoever is not done after 10 s is cut off. */
export async function closeServer(http: Server): Promise<void> {
  const cut = setTimeout(() => http.closeAllConnections(), CUT_MS);
  await untilQuiet(http);
  const sweep = setInterval(() => http.closeIdleConnections(), SWEEP_MS);
  await new Promise<void>((resolve) => {
    http.close(() => resolve());
  });
  clearTimeout(cut);
  clearInterval(sweep);
}

/**
 * A connection that waits to be accepted is reset by closing, and a request that lies in the kernel unread looks like an
 * idle connection. A turn of the event loop accepts one connection, the next ones read from it; so turn until nothing
 * comes, but not for ever where callers never cease.
 */
async function untilQuiet(http: Server): Promise<void> {
  let arrivals = 0;
  const count = () => {
    arrivals += 1;
  };
  http.on('connection', count).on('request', count);
  const end = performance.now() + PATIENCE_MS;
  for (let quiet = 0; quiet < QUIET_TURNS && performance.now() < end; ) {
    const before = arrivals;
    await turn();
    quiet = arrivals === before ? quiet + 1 : 0;
  }
  http.off('connection', count).off('request', count);
}
