import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import type { Config } from './config.ts';
import { SimiliError } from './errors.ts';

/** How long one kind of caller waits, ms. */
export type Patience = {
  /** For one statement on Postgres, and as long again for a connection. */
  readonly statementMs: number;
  /** For the whole request; what it still asks of the database then is cancelled. */
  readonly requestMs: number;
};
/** `clientLeft` aborts when nobody waits for the answer any more; null: that is not watched. */
export type Deadline = Patience & { readonly endsAt: number; readonly clientLeft: AbortSignal | null };
/** Patience with shoppers, and with administrators. */
export type Patiences = { readonly shop: Patience; readonly admin: Patience };
export type TimeLeft = { ms: number; clientLeft: AbortSignal | null; error(): SimiliError };

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

/** The deadline of whatever runs, through all that it awaits. */
const followed = new AsyncLocalStorage<Deadline>();
/** How many pieces of work are followed. */
let running = 0;
/** The deadline of what is being asked at this moment, and of nothing that it awaits; undefined: what is followed counts. */
let asking: Deadline | undefined;

const current = (): Deadline | undefined => asking ?? followed.getStore();

export const startDeadline = (patience: Patience, clientLeft: AbortSignal | null = null): Deadline => {
  if (clientLeft) setMaxListeners(0, clientLeft); // each statement that is on its way listens
  const { statementMs, requestMs } = patience;
  return { statementMs, requestMs, endsAt: performance.now() + requestMs, clientLeft };
};

/**
 * Runs `work`, and all that it awaits, under a deadline; null: under that which is followed. Work outside of one (a job's) has no limit.
 *
 * Before Node 24 each promise of the process costs more while anything is followed, an eighth of a page's processor time. So nothing is once the last
 * piece of work has ended, and pages are asked for `during` a deadline (docs/adr/0044-deadlines-that-are-handed-on.md).
 */
export function within<T>(deadline: Deadline | null, work: () => T): T {
  if (!deadline) return work();
  const before = asking;
  asking = undefined;
  running++;
  let result: T | undefined;
  try {
    result = followed.run(deadline, () => begun(work()));
    return result;
  } finally {
    asking = before;
    if (result instanceof Promise) result.then(ended, ended);
    else ended();
  }
}

function ended(): void {
  running--;
  if (running === 0) followed.disable();
}

/** Runs what asks the database at once, and waits for nothing before it does, under a deadline; null: under that which is followed. */
export function during<T>(deadline: Deadline | null, ask: () => T): T {
  const before = asking;
  asking = deadline ?? before;
  try {
    return ask();
  } finally {
    asking = before;
  }
}

/** Runs, later and `during` it, what is asked under the deadline of now. */
export function asNow<T>(): (ask: () => T) => T {
  const deadline = current() ?? null;
  return (ask) => during(deadline, ask);
}

/**
 * Runs what other requests wait for as well, or what tidies up: it has as long as a request that begins now, however little is left of the one that began it, and
 * that one's client leaving does not end it.
 * @param given deadline of that request; null or left out: that which is followed
 */
export function whoeverLeaves<T>(work: () => T, given: Deadline | null = null): T {
  const deadline = given ?? current();
  return within(deadline ? startDeadline(deadline) : null, work);
}

/** A query of Prisma begins when it is awaited, which may be outside of the deadline: it begins now. */
function begun<T>(result: T): T {
  const { then } = (result ?? {}) as Partial<PromiseLike<unknown>>;
  if (typeof then !== 'function' || result instanceof Promise) return result;
  return new Promise((resolve, reject) => then.call(result, resolve, reject)) as T;
}

/**
 * Time left for the next statement of the request that is running, and the error when that passes. Null: no request.
 * @throws SimiliError DEADLINE_EXCEEDED: nothing is left, or the client is gone.
 */
export function timeLeft(): TimeLeft | null {
  const deadline = current();
  return deadline ? leftOf(deadline) : null;
}

/** The same where only the request has a limit: nothing can be cancelled within an embedded database. */
export function requestTimeLeft(): TimeLeft | null {
  const deadline = current();
  return deadline ? leftOf({ ...deadline, statementMs: Number.POSITIVE_INFINITY }) : null;
}

function leftOf({ statementMs, requestMs, endsAt, clientLeft }: Deadline): TimeLeft {
  const left = endsAt - performance.now();
  const exceeded = () => new SimiliError('DEADLINE_EXCEEDED', { seconds: requestMs / 1000 });
  // Telemetry alone is told: how long the client has waited.
  const gone = () =>
    new SimiliError('DEADLINE_EXCEEDED', { seconds: secondsOf(requestMs - endsAt + performance.now()) });
  const unanswered = () => databaseUnavailable(`no answer in ${statementMs / 1000} s`);
  if (clientLeft?.aborted) throw gone();
  if (left <= 0) throw exceeded();
  const over = left < statementMs ? exceeded : unanswered;
  return { ms: Math.min(left, statementMs), clientLeft, error: () => (clientLeft?.aborted ? gone() : over()) };
}

/** Two digits: a clock's own have sixteen. */
const secondsOf = (ms: number): number => Number((ms / 1000).toPrecision(2));

export const databaseUnavailable = (why: string): SimiliError =>
  new SimiliError('DATABASE_UNAVAILABLE', { why, retryAfter: RETRY_AFTER_SECONDS });

/** @throws what `left` says when `work` takes longer or the client leaves; then `late` is called. `work` itself goes on. */
export function inTime<T>(work: Promise<T>, left: TimeLeft | null, late: () => void = () => {}): Promise<T> {
  if (!left) return work;
  // By hand: a race of promises makes ten of them, twice a statement.
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      stop();
      reject(left.error());
      late();
    };
    const timer = setTimeout(giveUp, left.ms);
    left.clientLeft?.addEventListener('abort', giveUp);
    const stop = () => {
      clearTimeout(timer);
      left.clientLeft?.removeEventListener('abort', giveUp);
    };
    work.then(
      (value) => {
        stop();
        resolve(value);
      },
      (error: unknown) => {
        stop();
        reject(error); // told to nobody, when it comes late
      },
    );
  });
}
