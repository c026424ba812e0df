import { assertSchemaCompatibility, LATEST_SCHEMA_VERSION, runMigrations, SchemaMigrationRequiredError } from 'bullmq';
import pg from 'pg';
import { SimiliError } from '../errors.ts';

type Client = pg.PoolClient;

/** Longest wait for an answer, ms: all that a queue asks is short, and a server whose machine is gone closes no connection. */
const ANSWER_MS = 30_000;

/**
 * The pool of a queue that lives in Postgres, migrated. Each worker keeps one connection for LISTEN, so every connection
 * must be a session of its own.
 * @throws SimiliError DATABASE_UNAVAILABLE, DATABASE_UNSUITABLE: a pooler in transaction mode, or a missing privilege.
 */
export async function openQueuePool(
  connectionString: string,
  onError: (error: Error) => void,
  answerMs = ANSWER_MS,
): Promise<pg.Pool> {
  const pool = new pg.Pool({
    connectionString,
    options: '-c search_path=bullmq',
    max: 20,
    connectionTimeoutMillis: 15_000,
    application_name: 'simili-queue',
  });
  pool.setMaxListeners(0); // each queue and each worker listens
  pool.on('error', onError);
  try {
    await withClient(pool, async (client) => {
      await checkSession(pool, client);
      await migrateQueue(client);
    });
    return withLimit(pool, answerMs);
  } catch (error) {
    await pool.end();
    throw told(error);
  }
}

/** BullMQ asks by the pool's own `query`; a connection that owes an answer is thrown away. */
function withLimit(pool: pg.Pool, answerMs: number): pg.Pool {
  const ask = pool.query.bind(pool) as (query: object) => Promise<unknown>;
  const query = (asked: string | object, values?: unknown[]) =>
    ask({ query_timeout: answerMs, ...(typeof asked === 'string' ? { text: asked, values } : asked) });
  return Object.assign(pool, { query }) as pg.Pool;
}

/** Asks over a connection of the pool; one that says nothing for `timeoutMs` is thrown away. */
export async function ping(pool: pg.Pool, timeoutMs: number): Promise<void> {
  await pool.query({ text: 'SELECT 1', query_timeout: timeoutMs } as pg.QueryConfig);
}

async function withClient(pool: pg.Pool, work: (client: Client) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await work(client);
  } finally {
    client.release();
  }
}

/**
 * Behind a pooler in transaction mode LISTEN hears nothing, so that no worker ever wakes: two connections that are open at
 * once would share, or change, the session behind them, and lose its settings.
 */
export async function checkSession(pool: pg.Pool, client: Client): Promise<void> {
  const [{ pid, path }] = (await client.query(`SELECT pg_backend_pid() AS pid, current_setting('search_path') AS path`))
    .rows as [{ pid: number; path: string }];
  await withClient(pool, async (other) => {
    await other.query('BEGIN');
    const pidOf = async (one: Client) => (await one.query('SELECT pg_backend_pid() AS pid')).rows[0].pid as number;
    const [theirs, mine] = [await pidOf(other), await pidOf(client)];
    await other.query('ROLLBACK');
    if (theirs === pid || mine !== pid || path !== 'bullmq') throw throughAPooler();
  });
}

const throughAPooler = (): SimiliError =>
  new SimiliError('DATABASE_UNSUITABLE', {
    why: 'a queue on Postgres needs sessions of its own, and DATABASE_URL leads through a pooler in transaction mode: set REDIS_URL, or let DATABASE_URL lead to Postgres itself or to a pool in session mode',
  });

/** Looks first: a role that may not create schemas can run what its owner has migrated. */
async function migrateQueue(client: Client): Promise<void> {
  const version = await assertSchemaCompatibility(client, 'bullmq').catch((error: unknown) => {
    if (error instanceof SchemaMigrationRequiredError) return 0;
    throw error;
  });
  if (version < LATEST_SCHEMA_VERSION) await runMigrations(client, 'bullmq');
}

function told(error: unknown): unknown {
  const { code, message } = error as { code?: string; message: string };
  if (error instanceof SimiliError) return error;
  if (/unsupported startup parameter/.test(message)) return throughAPooler();
  if (code === '42501')
    return new SimiliError('DATABASE_UNSUITABLE', {
      why: `${message} for the queue's schema bullmq: let its owner run \`simili migrate\` once, and grant its use`,
    });
  return new SimiliError('DATABASE_UNAVAILABLE', { why: `${message || code} (the queue on DATABASE_URL)` });
}
