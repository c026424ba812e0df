import type { PrismaClient } from '../../generated/prisma/client.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Ask } from '../sql/ask.ts';
import type { PGlitePool } from './pglite-pool.ts';

/** An open, migrated database: what the repositories are made from. */
export type Storage = {
  readonly kind: 'pglite' | 'postgres';
  readonly prisma: PrismaClient;
  /** One statement, one round trip, past Prisma: for what shoppers wait for, and for vectors, which go as bytes. */
  readonly ask: Ask;
  /**
   * Builds an index and returns when it can be used; at once where it is there. Safe to repeat, and for several at the same time. On Postgres others read, write
   * and delete meanwhile. The embedded database builds none here (`indexedFrom`), it only counts the rows.
   * @throws the signal's reason; SimiliError DATABASE_UNAVAILABLE, STORAGE_FULL; the driver's error
   */
  readonly buildIndex: (index: VectorIndex, how?: IndexBuild) => Promise<void>;
  /**
   * Fewest vectors whose table has an index, which it then gets before its rows. Null: every table gets one, when its rows are there.
   */
  readonly indexedFrom: number | null;
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

/**
 * An index of a column of vectors: names with their schema, and what stands behind `ON table`. `insertConstruction`: `ef_construction` for vectors that are
 * written once it is built; left out: as it was built.
 */
export type VectorIndex = {
  readonly table: string;
  readonly name: string;
  readonly on: string;
  readonly insertConstruction?: number;
};
export type IndexBuild = {
  readonly signal?: AbortSignal | undefined;
  /** Hears every second which share is done, 0 to 1; not on the embedded database, whose only session builds. */
  readonly onProgress?: (share: number) => void;
};

/** One session of a database, for the migration runner and the checks: text in, rows out. */
export type SqlSession = {
  /** One or more statements, no parameters. */
  exec(sql: string): Promise<void>;
  query<Row>(sql: string, params?: unknown[]): Promise<Row[]>;
};
