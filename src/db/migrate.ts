import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { SimiliError } from '../errors.ts';
import { packageFile } from '../package-root.ts';
import type { SqlSession } from './storage.ts';

type Migration = { name: string; sql: string; checksum: string };
type Applied = { name: string; checksum: string; finished: boolean };

/** Prisma's own ledger, so that `prisma migrate status` and `deploy` agree with this runner. */
const LEDGER = `
  CREATE SCHEMA IF NOT EXISTS simili;
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
 * Brings the database to the newest migration; each runs in one transaction, so a failed one leaves nothing behind.
 * @returns names of the migrations that were applied.
 * @throws SimiliError MIGRATION_FAILED, also when an applied migration's file was changed.
 */
export async function migrate(
  session: SqlSession,
  migrations: readonly Migration[] = readMigrations(),
): Promise<string[]> {
  await session.query('SELECT pg_advisory_lock($1)', [LOCK]);
  try {
    await session.exec(LEDGER);
    const applied = await session.query<Applied>(
      `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
       FROM simili._prisma_migrations WHERE rolled_back_at IS NULL`,
    );
    const pending = migrations.filter((migration) => !isApplied(migration, applied));
    for (const migration of pending) await apply(session, migration);
    return pending.map(({ name }) => name);
  } finally {
    await session.query('SELECT pg_advisory_unlock($1)', [LOCK]);
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

async function apply(session: SqlSession, { name, sql, checksum }: Migration): Promise<void> {
  await session.exec('BEGIN');
  try {
    await session.exec(sql);
    await session.query(
      `INSERT INTO simili._prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), 1)`,
      [randomUUID(), checksum, name],
    );
    await session.exec('COMMIT');
  } catch (error) {
    await session.exec('ROLLBACK');
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
