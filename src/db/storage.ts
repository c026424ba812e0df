import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import { openEmbedded } from './embedded.ts';
import type { PGlitePool } from './pglite-pool.ts';
import { openPostgres } from './postgres.ts';

/** An open, migrated database: what the repositories are made from. */
export type Storage = {
  readonly kind: 'pglite' | 'postgres';
  readonly prisma: PrismaClient;
  /** Where BullMQ's Postgres backend keeps its tables when there is no Redis. */
  readonly queue: PGlitePool | { connectionString: string };
  /** Version of the server and of pgvector, in words. */
  readonly version: string;
  /** What works but should be looked at, one sentence each. */
  readonly warnings: readonly string[];
  close(): Promise<void>;
};

/** What the migration runner and the checks need of a database: one session, text in, rows out. */
export type SqlSession = {
  /** One or more statements, no parameters. */
  exec(sql: string): Promise<void>;
  query<Row>(sql: string, params?: unknown[]): Promise<Row[]>;
};

/**
 * Postgres when DATABASE_URL is set, else PGlite in the data directory. Migrates before it returns.
 * @throws SimiliError DATABASE_UNAVAILABLE, DATABASE_UNSUITABLE, DATA_DIR_LOCKED, MIGRATION_FAILED.
 */
export function openStorage(config: Pick<Config, 'DATABASE_URL' | 'SIMILI_DATA_DIR'>): Promise<Storage> {
  return config.DATABASE_URL
    ? openPostgres(config.DATABASE_URL)
    : openEmbedded(join(config.SIMILI_DATA_DIR, 'database'));
}
