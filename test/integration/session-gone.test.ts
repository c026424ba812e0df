// @module-tag postgres
import { expect, onTestFinished, test } from 'vitest';
import { Circuit } from '../../src/db/session/circuit.ts';
import { limitedPool } from '../../src/db/session/limited-pool.ts';
import { otherSession } from '../support/other-session.ts';
import { proxyTo } from '../support/proxy.ts';
import { postgresUrl } from '../support/services.ts';

const LOOK_MS = 50;

async function poolBehind(name: string) {
  const way = await proxyTo(postgresUrl());
  const pool = limitedPool({ connectionString: way.url, application_name: name, max: 1 }, new Circuit(), LOOK_MS);
  const admin = await otherSession(postgresUrl());
  onTestFinished(async () => {
    await pool.end();
    await admin.end();
    await way[Symbol.asyncDispose]();
  });
  /** The numbers of its sessions at the server. */
  const sessions = async () =>
    (await admin.query('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [name])).rows.map(
      ({ pid }) => pid,
    );
  return { way, pool, admin, sessions };
}

test('work without a limit that waits for a server whose machine is gone is told, and goes on at the one in its place', async () => {
  const { way, pool, admin, sessions } = await poolBehind('simili-gone');
  await pool.query('SELECT 1');
  const waiting = pool.query('SELECT pg_sleep(3600)').catch((error: unknown) => error);
  way.freeze();
  const [pid] = await sessions();
  await admin.query('SELECT pg_terminate_backend($1)', [pid]);
  way.replace();
  expect(await waiting).toMatchObject({ code: 'DATABASE_UNAVAILABLE', retry: true });
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('a statement that takes long is waited for, also while the server takes no other connection', async () => {
  const { way, pool } = await poolBehind('simili-slow');
  const before = way.opened();
  const asked = pool.query('SELECT pg_sleep(0.5), 1 AS one');
  await expect.poll(way.opened).toBeGreaterThan(before + 1); // it was looked for
  expect((await asked).rows).toMatchObject([{ one: 1 }]);
});
