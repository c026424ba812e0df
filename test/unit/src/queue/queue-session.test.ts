import type pg from 'pg';
import { expect, test } from 'vitest';
import { checkSession } from '../../../../src/queue/postgres.ts';

/** Connections over `servers` sessions: each takes the first that no transaction holds, as a pooler in transaction mode does. */
function pooler(sessionsOf: (connection: number, held: ReadonlySet<number>) => number, path = 'bullmq') {
  const held = new Map<number, number>();
  let connections = 0;
  const connect = async () => {
    const connection = connections++;
    const query = async (sql: string) => {
      const session = held.get(connection) ?? sessionsOf(connection, new Set(held.values()));
      if (sql === 'BEGIN') held.set(connection, session);
      if (sql === 'ROLLBACK') held.delete(connection);
      return { rows: [{ pid: session, path }] };
    };
    return { query, release: () => {} } as unknown as pg.PoolClient;
  };
  return { connect } as unknown as pg.Pool;
}
const UNSUITABLE = expect.objectContaining({
  code: 'DATABASE_UNSUITABLE',
  message: expect.stringMatching(/REDIS_URL/),
});

test('a queue on Postgres is refused where connections share sessions or lose their settings, and nowhere else', async () => {
  const check = async (pool: pg.Pool) => checkSession(pool, await pool.connect());
  const firstFree = (_connection: number, held: ReadonlySet<number>) => (held.has(1) ? 2 : 1);
  await expect(check(pooler(firstFree))).rejects.toEqual(UNSUITABLE);
  await expect(check(pooler((connection) => connection, 'public'))).rejects.toEqual(UNSUITABLE);
  await check(pooler((connection) => connection));
});
