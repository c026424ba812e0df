import { AsyncLocalStorage } from 'node:async_hooks';
import type { Config } from './config.ts';
import { SimiliError } from './errors.ts';

/** How long one kind of caller waits, ms. */
export type Patience = {
  /** For one statement on Postgres, and as long again for a connection. */
  readonly statementMs: number;
  /** For the whole request; what it still asks of the database then is cancelled. */
  readonly requestMs: number;
};
export type Deadline = Patience & { readonly endsAt: number };
/** Patience with shoppers, and with administrators. */
export type Patiences = { readonly shop: Patience; readonly admin: Patience };
export type TimeLeft = { ms: number; error(): SimiliError };

type Seconds = Pick<
  Config,
  'SIMILI_QUERY_SECONDS' | 'SIMILI_REQUEST_SECONDS' | 'SIMILI_ADMIN_QUERY_SECONDS' | 'SIMILI_ADMIN_REQUEST_SECONDS'
>;

export const patiencesOf = (config: Seconds): Patiences => ({
  shop: { statementMs: config.SIMILI_QUERY_SECONDS * 1000, requestMs: config.SIMILI_REQUEST_SECONDS * 1000 },
  admin: {
    statementMs: config.SIMILI_ADMIN_QUERY_SECONDS * 1000,
    requestMs: config.SIMILI_ADMIN_REQUEST_SECONDS * 1000,
  },
});

/** Seconds after which asking again is worth it: the database is tried once a second. */
export const RETRY_AFTER_SECONDS = 2;

const current = new AsyncLocalStorage<Deadline>();

export const startDeadline = (patience: Patience): Deadline => ({
  ...patience,
  endsAt: performance.now() + patience.requestMs,
});

/** Runs `work`, and all that it awaits, under a deadline. Work outside of one (a job's) has no limit. */
export const within = <T>(deadline: Deadline, work: () => T): T => current.run(deadline, () => begun(work()));

/** A query of Prisma begins when it is awaited, which may be outside of the deadline: it begins now. */
function begun<T>(result: T): T {
  const { then } = (result ?? {}) as Partial<PromiseLike<unknown>>;
  if (typeof then !== 'function' || result instanceof Promise) return result;
  return new Promise((resolve, reject) => then.call(result, resolve, reject)) as T;
}

/**
 * Time left for the next statement of the request that is running, and the error when that passes. Null: no request.
 * @throws SimiliError DEADLINE_EXCEEDED: nothing is left.
 */
export function timeLeft(): TimeLeft | null {
  const deadline = current.getStore();
  if (!deadline) return null;
  const { statementMs, requestMs, endsAt } = deadline;
  const exceeded = () => new SimiliError('DEADLINE_EXCEEDED', { seconds: requestMs / 1000 });
  const left = endsAt - performance.now();
  if (left <= 0) throw exceeded();
  if (left < statementMs) return { ms: left, error: exceeded };
  return { ms: statementMs, error: () => databaseUnavailable(`no answer in ${statementMs / 1000} s`) };
}

/** The same where only the request has a limit: nothing can be cancelled within an embedded database. */
export function requestTimeLeft(): TimeLeft | null {
  const deadline = current.getStore();
  return deadline ? within({ ...deadline, statementMs: Number.POSITIVE_INFINITY }, timeLeft) : null;
}

export const databaseUnavailable = (why: string): SimiliError =>
  new SimiliError('DATABASE_UNAVAILABLE', { why, retryAfter: RETRY_AFTER_SECONDS });

/** @throws what `left` says when `work` takes longer; then `late` is called. `work` itself goes on. */
export async function inTime<T>(work: Promise<T>, left: TimeLeft | null, late: () => void = () => {}): Promise<T> {
  if (!left) return work;
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(left.error());
      late();
    }, left.ms);
  });
  work.catch(() => {}); // told to nobody, when it comes late
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
