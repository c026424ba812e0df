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

/** Waits until somebody has waited for a lock for longer than `deadlock_timeout` (1 s), which makes an automatic vacuum yield. @param ask asks another session, for its rows */
export async function untilWaitedLong(ask: (sql: string) => Promise<unknown[]>): Promise<void> {
  const waits = `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE a.datname = current_database() AND NOT l.granted AND clock_timestamp() - l.waitstart > '1.05s'`;
  await expect.poll(async () => (await ask(waits)).length).toBeGreaterThan(0);
}
