// @module-tag postgres
import { expect, test } from 'vitest';
import { Circuit } from '../../src/db/session/circuit.ts';
import { CONNECT_MS, limitedPool } from '../../src/db/session/limited-pool.ts';
import { startDeadline, within } from '../../src/deadline.ts';
import { postgresUrl } from '../support/services.ts';

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
