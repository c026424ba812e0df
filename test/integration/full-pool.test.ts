// @module-tag postgres
import { expect, test } from 'vitest';
import { Circuit } from '../../src/db/session/circuit.ts';
import { CONNECT_MS, limitedPool } from '../../src/db/session/limited-pool.ts';
import { ownSessions } from '../../src/db/session/own-session.ts';
import { startDeadline, within } from '../../src/deadline.ts';
import { otherSession } from '../support/other-session.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';

test('work without a limit waits for a session as long as others have it, and whoever may not wait does not take the database for away', async () => {
  const circuit = new Circuit();
  const pool = limitedPool({ connectionString: postgresUrl(), max: 1 }, circuit);
  try {
    await pool.query('SELECT 1');
    const slow = pool.query('SELECT pg_sleep($1)', [CONNECT_MS / 1000 + 1]);
    const patient = pool.query('SELECT 2 AS n');
    const shopper = startDeadline({ statementMs: 300, requestMs: 10_000 });
    const impatient = within(shopper, () => pool.query('SELECT 3 AS n'));
    await expect(impatient).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    expect(() => circuit.check()).not.toThrow();
    await slow;
    expect((await patient).rows).toEqual([{ n: 2 }]);
  } finally {
    await pool.end();
  }
});

test('a database that takes no connections is away, whatever its server says', async () => {
  await using fresh = await freshPostgresDatabase(postgresUrl());
  const { pathname } = new URL(fresh.url);
  const admin = await otherSession(postgresUrl());
  await admin.query(`ALTER DATABASE ${pathname.slice(1)} ALLOW_CONNECTIONS false`);
  await admin.end();
  const circuit = new Circuit();
  const pool = limitedPool({ connectionString: fresh.url, max: 1 }, circuit);
  const away = { code: 'DATABASE_UNAVAILABLE', retry: true };
  const asked = within(startDeadline({ statementMs: 60_000, requestMs: 60_000 }), () => pool.query('SELECT 1'));
  await expect(asked).rejects.toMatchObject(away);
  expect(() => circuit.check()).toThrow(expect.objectContaining(away));
  await expect(ownSessions(fresh.url)(async () => {})).rejects.toMatchObject(away);
  await pool.end();
});
