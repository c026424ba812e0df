import pg from 'pg';
import { asUnavailable, unreachable } from './connection-errors.ts';
import { CONNECT_MS, cancel } from './limited-pool.ts';
import type { SqlSession } from './storage.ts';

/** Work in a session beside the pool: for what takes hours, or has settings. What it does is cancelled on the server when `signal` aborts. */
export type OwnSession = <T>(work: (own: SqlSession) => Promise<T>, signal?: AbortSignal) => Promise<T>;

const CANCEL_AGAIN_MS = 1000;
/** Routers forget a connection on which nothing is said. */
const KEEP_ALIVE_MS = 60_000;

/** @throws SimiliError DATABASE_UNAVAILABLE; the signal's reason, where it aborts between two statements; the driver's error */
export const ownSessions =
  (url: string): OwnSession =>
  async (work, signal) => {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_MS,
      application_name: 'simili-index',
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    });
    client.on('error', () => {}); // whoever asks of it is told
    const ask = async (sql: string, params?: unknown[]) => {
      signal?.throwIfAborted();
      return client.query(sql, params);
    };
    const stop = stopping(client, signal);
    try {
      await client.connect().catch((error: unknown) => {
        throw unreachable(error);
      });
      return await work({
        exec: async (sql) => void (await ask(sql)),
        query: async <Row>(sql: string, params: unknown[] = []) => (await ask(sql, params)).rows as Row[],
      });
    } catch (error) {
      throw asUnavailable(error) ?? error;
    } finally {
      stop();
      await client.end().catch(() => {});
    }
  };

/** Cancels again and again: a request that overtakes its statement stops nothing. */
function stopping(client: pg.Client, signal: AbortSignal | undefined): () => void {
  let again: NodeJS.Timeout | undefined;
  const stop = () => {
    cancel(client);
    again = setInterval(() => cancel(client), CANCEL_AGAIN_MS);
  };
  signal?.addEventListener('abort', stop, { once: true });
  return () => {
    signal?.removeEventListener('abort', stop);
    clearInterval(again);
  };
}
