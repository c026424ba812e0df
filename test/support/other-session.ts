import pg from 'pg';
import { expect } from 'vitest';

/** A session of somebody else. */
export async function otherSession(url: string): Promise<pg.Client> {
  const session = new pg.Client({ connectionString: url });
  session.on('error', () => {}); // where a test ends it
  await session.connect();
  return session;
}

/** Waits until anybody waits for a lock of a session. @param watcher another session, which asks */
export async function untilWaitedFor(session: pg.Client, watcher: pg.Client): Promise<void> {
  const { rows } = await session.query('SELECT pg_backend_pid() AS pid');
  const waiting = 'SELECT FROM pg_stat_activity WHERE $1::int = ANY(pg_blocking_pids(pid))';
  await expect.poll(async () => (await watcher.query(waiting, [rows[0].pid])).rows.length).toBeGreaterThan(0);
}
