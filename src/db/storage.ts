import type { PrismaClient } from '../generated/prisma/client.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ask } from './ask.ts';
import type { PGlitePool } from './pglite-pool.ts';

/** An open, migrated database: what the repositories are made from. */
export type Storage = {
  readonly kind: 'pglite' | 'postgres';
  readonly prisma: PrismaClient;
  /** One statement, one round trip, past Prisma: for what shoppers wait for, and for vectors, which go as bytes. */
  readonly ask: Ask;
  /** The database's: for all times that are compared. */
  readonly clock: Clock;
  /** Where BullMQ's Postgres backend keeps its tables when there is no Redis. */
  readonly queue: PGlitePool | { connectionString: string };
  /** Version of the server and of pgvector, in words. */
  readonly version: string;
  /** Things that work but should be looked at, one sentence each. */
  readonly warnings: readonly string[];
  close(): Promise<void>;
};

/** One session of a database, for the migration runner and the checks: text in, rows out. */
export type SqlSession = {
  /** One or more statements, no parameters. */
  exec(sql: string): Promise<void>;
  query<Row>(sql: string, params?: unknown[]): Promise<Row[]>;
};
