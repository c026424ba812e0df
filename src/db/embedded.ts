import { dirname } from 'node:path';
import type { PGliteOptions } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { runMigrations } from 'bullmq';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import { makePrivate } from '../private-files.ts';
import { openDatabaseClock } from './session/database-clock.ts';
import { type Disk, diskOf } from './session/disk-watch.ts';
import { keepUp } from './session/embedded-upkeep.ts';
import { lockDataDir } from './session/lock.ts';
import { migrate } from './session/migrate.ts';
import { PGlitePool } from './session/pglite-pool.ts';
import { PolitePGlite } from './session/polite-pglite.ts';
import type { IndexBuild, Storage, VectorIndex } from './session/storage.ts';
import { typedAsk, typedClient } from './session/typed-client.ts';
import { type Ask, NO_ROWS, type Statement } from './sql/ask.ts';
import type { RowOf, Shape } from './sql/row.ts';

/**
 * Postgres inside this process, in a folder (or in memory: `dir` null). One process at a time; what was committed
 * survives the death of the process.
 * @param now the clock by which the event loop gets its turns, ms.
 * @param dump what a new database begins with, as `PGlite.dumpDataDir` wrote it.
 * @param disk watched while it is open; default: the one of the folder.
 * @throws SimiliError DATA_DIR_LOCKED, MIGRATION_FAILED.
 */
export async function openEmbedded(
  dir: string | null,
  now?: () => number,
  dump?: Blob,
  disk: Disk | null = dir ? diskOf(dirname(dir), (sentence) => process.emitWarning(sentence)) : null,
): Promise<Storage> {
  const unlock = dir ? lockDataDir(dirname(dir)) : () => {};
  try {
    const db = await openMigrated({ ...(dir ? { dataDir: dir } : {}), ...(dump ? { loadDataDir: dump } : {}) }, now);
    if (disk) db.guard(disk);
    if (dir) makePrivate(dir);
    const stopUpkeep = keepUp(db);
    return await storageOver(db, async () => {
      await stopUpkeep();
      await db.close();
      unlock();
    });
  } catch (error) {
    unlock();
    throw error;
  }
}

/** Storage over a database that `openMigrated` opened. @param closed ends what is below. */
export async function storageOver(db: PolitePGlite, closed: () => Promise<void>): Promise<Storage> {
  const queue = new PGlitePool(db);
  // BullMQ's statements carry no schema, ours and Prisma's always do. Pages of files are in the memory of this machine: read out of order
  // they cost what they cost in order, and a page of similar items must not read the catalog to join twelve products.
  await db.exec('SET search_path = bullmq, public; SET random_page_cost = 1.1');
  const prisma = typedClient(new PrismaPGlite(db));
  const found = await db.query<{ v: string; vector: string }>(
    `SELECT current_setting('server_version') AS v, extversion AS vector FROM pg_extension WHERE extname = 'vector'`,
  );
  const [row] = found.rows;
  const ask = typedAsk(async <S extends Shape>({ name, text }: Statement<S>, values: readonly unknown[]) =>
    name ? db.queryByName<RowOf<S>>(name, text, values) : (await db.query<RowOf<S>>(text, [...values])).rows,
  );
  return {
    kind: 'pglite',
    prisma,
    ask,
    buildIndex: (index, how) => buildIndex(ask, index, how),
    indexedFrom: INDEXED_FROM,
    clock: await openDatabaseClock(ask),
    queue,
    version: `PGlite (Postgres ${row?.v}, pgvector ${row?.vector})`,
    warnings: [],
    async close() {
      await prisma.$disconnect();
      await closed();
    },
  };
}

/**
 * Vectors that are ranked one by one in less time than shoppers notice (2,000 x 336 in 6 ms). To index so many at once would hold the thread for
 * seconds: a greater table has its index before its rows, which takes five times as long, in steps of some 50 ms.
 */
const INDEXED_FROM = 2000;

/** A small table has none; a greater one has it already, unless it was small when it was made, and then does without. */
async function buildIndex(ask: Ask, { table }: VectorIndex, { signal }: IndexBuild = {}): Promise<void> {
  signal?.throwIfAborted();
  await ask({ text: `ANALYZE ${table}`, row: NO_ROWS }, []);
}

/** PGlite with our tables and BullMQ's. */
export async function openMigrated(options: PGliteOptions, now?: () => number): Promise<PolitePGlite> {
  const db = new PolitePGlite({ ...options, extensions: { vector } }, now);
  await db.waitReady;
  await migrate({
    exec: async (sql) => void (await db.exec(sql)),
    query: async <Row>(sql: string, params: unknown[] = []) => (await db.query<Row>(sql, params)).rows,
  });
  await runMigrations(await new PGlitePool(db).connect(), 'bullmq');
  // Arrays of pgvector's types came with the migrations: of types that PGlite does not know it would send bytes as text.
  await db.refreshArrayTypes();
  return db;
}
