import { connect as connectSocket } from 'node:net';
import pg from 'pg';
import { asNow, inTime, type TimeLeft, timeLeft } from '../../deadline.ts';
import { SimiliError } from '../../errors.ts';
import { attended, hasSession, type Session } from './attended.ts';
import { Circuit } from './circuit.ts';
import { asUnavailable, unreachable } from './connection-errors.ts';
import { carry } from './typed-client.ts';

type Ask = (...query: unknown[]) => Promise<unknown>;

/** A connection that is not there by then is given up, ms: also one that a frozen server accepted and never greets. */
export const CONNECT_MS = 5_000;
/** Whoever has no limit sees so often whether his session is there still, ms. */
const LOOK_MS = 30_000;
const CANCEL_CODE = 80_877_102;

/** Its own limit, and not the pool's, which would end the wait for a session that others have, too. */
class QuickToGiveUp extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super({ ...config, connectionTimeoutMillis: CONNECT_MS });
  }
}

/**
 * A pool whose callers wait no longer than their request allows (src/deadline.ts); a statement that takes longer is
 * cancelled on the server and its connection dropped, as a frozen server sends nothing, not even an error. All limits are
 * kept on this side: a pooler between us and Postgres may refuse settings of a session. Background work waits as long as
 * it takes, and its session is there (src/db/session/attended.ts).
 * Rejects with SimiliError DATABASE_UNAVAILABLE where the connection is what fails, DEADLINE_EXCEEDED, or Postgres' error.
 */
export function limitedPool(config: pg.PoolConfig, circuit = new Circuit(), lookMs = LOOK_MS): pg.Pool {
  const pool = new pg.Pool({ keepAlive: true, Client: QuickToGiveUp, ...config });
  const open = pool.connect.bind(pool) as () => Promise<pg.PoolClient>;
  const other = { ...config, connectionTimeoutMillis: CONNECT_MS, query_timeout: CONNECT_MS };
  const attend = <T>(client: pg.PoolClient, work: Promise<T>) => {
    const isThere = () => hasSession(other, client as unknown as Session);
    return attended(work, lookMs, isThere, () => drop(client));
  };
  pool.on('connect', (client) => limitClient(client, circuit, attend));
  // A connection that breaks while nobody uses it, also while the pool closes, ends no process: whoever asks next is told.
  pool.on('error', () => {});

  const connect = async (): Promise<pg.PoolClient> => {
    const left = allowed(() => {
      const left = timeLeft();
      if (left) circuit.check();
      return left;
    });
    // Whoever waits until another gives a session back says nothing of the database: those that have them do.
    const isFull = pool.idleCount === 0 && pool.totalCount >= pool.options.max;
    const opening = open();
    const giveBack = () => opening.then((client) => client.release()).catch(() => {});
    return watched(isFull ? null : circuit, () => inTime(opening, left, giveBack), unreachable);
  };
  const query: Ask = async (...asked) => {
    const inItsTime = asNow<Promise<unknown>>();
    const client = await connect();
    try {
      return await inItsTime(() => (client.query as Ask)(...asked));
    } finally {
      client.release(); // one that was dropped is not taken back
    }
  };
  return Object.assign(pool, { connect, query }) as pg.Pool;
}

function allowed<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw carry(error as SimiliError);
  }
}

type Attend = <T>(client: pg.PoolClient, work: Promise<T>) => Promise<T>;

function limitClient(client: pg.PoolClient, circuit: Circuit, attend: Attend): void {
  const ask = promised(client.query.bind(client) as (...query: unknown[]) => unknown);
  const query: Ask = async (...asked) => {
    let left: TimeLeft | null;
    try {
      left = allowed(timeLeft);
    } catch (error) {
      drop(client); // it may be within a transaction, which ends with the session
      throw error;
    }
    const late = () => {
      cancel(client);
      drop(client);
    };
    return watched(circuit, () => (left ? inTime(ask(...asked), left, late) : attend(client, ask(...asked))));
  };
  Object.assign(client, { query });
  client.on('error', () => {}); // whoever asks of it is told
}

/** The driver's `query` with a promise of ours: what its own promise leads to, all rows of the answer, survives each quick garbage collection until a full one (ADR 11). */
const promised =
  (query: (...query: unknown[]) => unknown): Ask =>
  (...args) =>
    new Promise((resolve, reject) => {
      query(...args, (error: unknown, result: unknown) => (error ? reject(error) : resolve(result)));
    });

/** The circuit learns how it went, and an error of the connection gets its code. */
async function watched<T>(
  circuit: Circuit | null,
  work: () => Promise<T>,
  codeOf: (error: unknown) => SimiliError | null = asUnavailable,
): Promise<T> {
  const since = performance.now();
  try {
    const result = await work();
    circuit?.succeeded();
    return result;
  } catch (error) {
    const known = error instanceof SimiliError ? error : codeOf(error);
    if (known?.code === 'DATABASE_UNAVAILABLE') circuit?.failed(since);
    else if (!known) circuit?.succeeded();
    throw known ? carry(known) : error;
  }
}

/** With a statement on its way the driver closes the socket at once; the pool takes no such client back. */
const drop = (client: pg.PoolClient): void => void (client as unknown as pg.Client).end().catch(() => {});

/** Asks the server to stop what a session does. It needs a connection of its own, which nobody waits for. */
export function cancel(client: pg.ClientBase): void {
  const { processID, secretKey, host, port } = client as unknown as Session;
  if (processID === null || secretKey === null) return;
  const request = Buffer.alloc(16);
  for (const [i, word] of [16, CANCEL_CODE, processID, secretKey].entries()) request.writeInt32BE(word | 0, i * 4);
  const socket = host.startsWith('/') ? connectSocket(`${host}/.s.PGSQL.${port}`) : connectSocket(port, host);
  socket.setTimeout(CONNECT_MS, () => socket.destroy());
  socket.on('error', () => {}).end(request);
  socket.unref();
}
