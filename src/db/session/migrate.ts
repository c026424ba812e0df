import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SimiliError } from '../../errors.ts';
import { packageFile } from '../../package-root.ts';
import { LOCK_MS, NOT_NOW, PAUSE_MS } from '../sql/brief-locks.ts';
import { sqlStateOf } from '../sql/sql-state.ts';
import type { SqlSession } from './storage.ts';

type Migration = { name: string; sql: string; checksum: string };
type Applied = { name: string; checksum: string; finished: boolean };

/** Prisma's own ledger, so that `prisma migrate status` and `deploy` agree with this runner. */
const LEDGER = `
  CREATE TABLE IF NOT EXISTS simili._prisma_migrations (
    id                  VARCHAR(36) PRIMARY KEY,
    checksum            VARCHAR(64) NOT NULL,
    finished_at         TIMESTAMPTZ,
    migration_name      VARCHAR(255) NOT NULL,
    logs                TEXT,
    rolled_back_at      TIMESTAMPTZ,
    started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
  )`;

/** Any number that only we use: several processes that start at once migrate one after the other. */
const LOCK = 0x51_3111;

/**
 * Brings the database to the newest migration; each runs in one transaction, so a failed one leaves nothing behind. Looks
 * first: a role that may not create anything can run what its owner has migrated. The lock ends with its transaction, so
 * that a pooler of sessions does not keep it.
 * @returns names of the migrations that were applied.
 * @throws SimiliError MIGRATION_FAILED, also when an applied migration's file was changed.
 */
export async function migrate(
  session: SqlSession,
  migrations: readonly Migration[] = readMigrations(),
): Promise<string[]> {
  if (!(await hasLedger(session))) await alone(session, () => makeLedger(session));
  const applied = await readLedger(session);
  const done: string[] = [];
  for (const migration of migrations.filter((each) => !isApplied(each, applied)))
    if (await alone(session, () => applyOnce(session, migration))) done.push(migration.name);
  return done;
}

async function hasLedger(session: SqlSession): Promise<boolean> {
  const [row] = await session.query<{ there: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'simili' AND tablename = '_prisma_migrations') AS there`,
  );
  return row?.there ?? false;
}

async function makeLedger(session: SqlSession): Promise<void> {
  const schema = await session.query(`SELECT FROM pg_namespace WHERE nspname = 'simili'`);
  if (schema.length === 0) await session.exec('CREATE SCHEMA IF NOT EXISTS simili');
  await session.exec(LEDGER);
}

const readLedger = (session: SqlSession): Promise<Applied[]> =>
  session.query<Applied>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
     FROM simili._prisma_migrations WHERE rolled_back_at IS NULL`,
  );

/**
 * In a transaction that no other starter is in at the same time. Whoever asks for a table waits behind its migration, and that may wait behind a
 * dump: so it waits for a moment, lets them pass, and begins anew, for as long as the dump takes.
 */
async function alone<T>(session: SqlSession, work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await inTransaction(session, LOCK_MS[tries % LOCK_MS.length]!, work);
    } catch (error) {
      if (sqlStateOf(error) !== NOT_NOW) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

async function inTransaction<T>(session: SqlSession, lockMs: number, work: () => Promise<T>): Promise<T> {
  await session.exec('BEGIN');
  try {
    await session.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await session.exec(`SET LOCAL lock_timeout = ${lockMs}`);
    const result = await work();
    await session.exec('COMMIT');
    return result;
  } catch (error) {
    await session.exec('ROLLBACK');
    throw error;
  }
}

function isApplied({ name, checksum }: Migration, applied: readonly Applied[]): boolean {
  const found = applied.find((row) => row.name === name);
  if (!found) return false;
  if (found.checksum !== checksum)
    throw new SimiliError('MIGRATION_FAILED', { name, why: 'its file changed after it was applied' });
  if (!found.finished) throw new SimiliError('MIGRATION_FAILED', { name, why: 'another tool left it unfinished' });
  return true;
}

/** @returns false when another starter has applied it meanwhile. */
async function applyOnce(session: SqlSession, migration: Migration): Promise<boolean> {
  if (isApplied(migration, await readLedger(session))) return false;
  const { name, sql, checksum } = migration;
  try {
    await session.exec(sql);
    await session.query(
      `INSERT INTO simili._prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), 1)`,
      [randomUUID(), checksum, name],
    );
    return true;
  } catch (error) {
    if (sqlStateOf(error) === NOT_NOW) throw error;
    throw new SimiliError('MIGRATION_FAILED', { name, why: (error as Error).message });
  }
}

function readMigrations(): Migration[] {
  const root = packageFile('prisma/migrations');
  return readdirSync(root)
    .filter((name) => existsSync(`${root}/${name}/migration.sql`))
    .sort()
    .map((name) => {
      const sql = readFileSync(`${root}/${name}/migration.sql`, 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}
