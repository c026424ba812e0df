import { setTimeout as sleep } from 'node:timers/promises';
import type { OwnSession } from '../session/own-session.ts';
import type { IndexBuild, SqlSession, Storage, VectorIndex } from '../session/storage.ts';
import { typed } from '../session/typed-client.ts';
import { type Ask, NO_ROWS } from '../sql/ask.ts';
import { withoutSchema } from '../sql/embedding-table.ts';
import { sqlStateOf } from '../sql/sql-state.ts';
import { asideOf, stateOf } from './index-builds.ts';
import { type IndexEffort, indexEfforts } from './index-effort.ts';
import { lacksInsertConstruction, setInsertConstruction } from './insert-construction.ts';
import { availableMemory } from './server-memory.ts';

const LOOK_MS = 1000;
/**
 * Somebody else is at the same index: lock_not_available, duplicate_table, unique_violation, deadlock_detected, and undefined_object where he has
 * dropped it.
 */
const NOT_NOW = ['55P03', '42P07', '23505', '40P01', '42704'];
/**
 * A statement that waits for a lock has a snapshot, and a build waits for old snapshots at its end: before Postgres takes the two for a deadlock
 * (`deadlock_timeout`, 1 s) and ends the build, the other one has to be gone.
 */
const LOCK_MS = 500;

/**
 * Builds an index on Postgres while others read, write and delete. An index is only looked at, built or dropped by itself, then looked at again:
 * one that somebody builds, or the server process of a worker that is gone, is waited for, and one that was left half built is dropped.
 */
export function indexBuilder(ask: Ask, session: OwnSession, lookMs = LOOK_MS): Storage['buildIndex'] {
  const server = { ask, session, lookMs, atWork: lookForWork() };
  return async (index, how = {}) => {
    const later = () => sleep(lookMs, undefined, { signal: how.signal }).catch(() => {});
    let lacked = 0;
    for (;;) {
      how.signal?.throwIfAborted();
      const { isValid, share, isAside } = await stateOf(ask, index);
      if (isValid && !(await lacksInsertConstruction(ask, index))) return;
      if (share !== null) {
        how.onProgress?.(share);
        await later();
        continue;
      }
      try {
        if (isValid) await setInsertConstruction(session, index, LOCK_MS, how.signal);
        else if (isAside) await dropAside(session, index, how);
        else if (isValid === false) await setAside(ask, index);
        else await build(server, index, how, lacked);
      } catch (error) {
        how.signal?.throwIfAborted();
        if (isOfMemory(error) && lacked < 2) lacked++;
        else if (NOT_NOW.includes(sqlStateOf(error) ?? '')) await later();
        else throw typed(error);
      }
    }
  };
}

/** out_of_memory; disk_full of shared memory, which is a file system. */
function isOfMemory(error: unknown): boolean {
  const { code, file } = error as { code?: string; file?: string };
  return code === '53200' || (code === '53100' && file === 'dsm_impl.c');
}

/**
 * Gives a half-built index another name, under the lock that a build holds from beginning to end: nobody is building it then, and no one that is
 * valid by now is dropped.
 */
async function setAside(ask: Ask, { table, name }: VectorIndex): Promise<void> {
  const text = `DO $$ BEGIN
    LOCK TABLE ${table} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
    IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('${name}') AND NOT indisvalid) THEN
      ALTER INDEX ${name} RENAME TO ${withoutSchema(asideOf(name))};
    END IF;
  END $$`;
  await ask({ text, row: NO_ROWS }, []);
}

async function dropAside(session: OwnSession, { name }: VectorIndex, { signal }: IndexBuild): Promise<void> {
  await session(async (own) => {
    await own.exec(`SET statement_timeout = 0; SET lock_timeout = ${LOCK_MS}`);
    await own.exec(`DROP INDEX CONCURRENTLY IF EXISTS ${asideOf(name)}`);
  }, signal);
}

type Server = { ask: Ask; session: OwnSession; lookMs: number; atWork: AtWork };

/** Not where somebody else has begun. @param lacked how often the server lacked the memory */
async function build(
  { ask, session, lookMs, atWork }: Server,
  index: VectorIndex,
  how: IndexBuild,
  lacked: number,
): Promise<void> {
  const { table, name, on } = index;
  await session(async (own) => {
    await own.exec('SET statement_timeout = 0; SET lock_timeout = 0');
    await own.exec(`ANALYZE (SKIP_LOCKED) ${table}`); // counts the rows; not where that waits
    const { memory, alone } = (await effortsOn(own.query, table, how.signal, atWork))[lacked]!;
    await own.exec(`SET maintenance_work_mem = '${Math.ceil(memory / 1024)}kB'`);
    if (alone) await own.exec('SET max_parallel_maintenance_workers = 0');
    if ((await stateOf(ask, index)).share !== null) return;
    const ended = watch({ ask, session, lookMs }, index, how);
    try {
      await own.exec(`CREATE INDEX CONCURRENTLY ${withoutSchema(name)} ON ${table} ${on}`);
    } finally {
      await ended();
    }
  }, how.signal);
}

/** Postgres builds an index of a smaller table by one process anyway (`min_parallel_table_scan_size`). */
const LEAST_BYTES_FOR_SEVERAL = 8 * 2 ** 20;
const LOOK_FOR_WORK_MS = 3000;
/** Sessions at work, in the mean of that time, from which on a server is asked by others. */
const ASKED = 0.5;

/** Efforts that an index of vectors of a table may be built with on its server, greatest first. Looks for some seconds whether others are at work on it. @throws AbortError */
export async function effortsOn(
  query: SqlSession['query'],
  table: string,
  signal?: AbortSignal,
  atWork: AtWork = lookForWork(),
): Promise<IndexEffort[]> {
  const [found] = await query<{
    own: number;
    sharedBuffers: number;
    isLeftToUs: boolean;
    rows: number;
    bytes: number;
  }>(
    `SELECT pg_size_bytes(current_setting('maintenance_work_mem'))::float8 AS own,
       pg_size_bytes(current_setting('shared_buffers'))::float8 AS "sharedBuffers",
       (SELECT source = 'default' FROM pg_settings WHERE name = 'max_parallel_maintenance_workers') AS "isLeftToUs",
       greatest(0, reltuples)::float8 AS rows, pg_table_size(oid)::float8 AS bytes
     FROM pg_class WHERE oid = $1::regclass`,
    [table],
  );
  const isLooked = found!.isLeftToUs && found!.bytes >= LEAST_BYTES_FOR_SEVERAL;
  const available = await availableMemory(query);
  return indexEfforts({ ...found!, available, isAsked: isLooked && (await atWork(query, signal)) >= ASKED }, found!);
}

/** How long it is remembered how many are at work: the indexes of one version, of which each large category has one, are built one after the other. */
const REMEMBERED_MS = 60_000;
/** Sessions of a server that are at work. Rejects with the signal's reason. */
type AtWork = (query: SqlSession['query'], signal: AbortSignal | undefined) => Promise<number>;

/** Looks at one server, and for a minute after that says the same again. */
function lookForWork(): AtWork {
  let last = { sessions: 0, until: Number.NEGATIVE_INFINITY };
  return async (query, signal) => {
    if (performance.now() >= last.until)
      last = { sessions: await sessionsAtWork(query, signal), until: performance.now() + REMEMBERED_MS };
    return last.sessions;
  };
}

/** In the mean of some seconds. 0 before Postgres 14, which does not count their time. */
async function sessionsAtWork(query: SqlSession['query'], signal: AbortSignal | undefined): Promise<number> {
  const [before, since] = [await busyMs(query), performance.now()];
  await sleep(LOOK_FOR_WORK_MS, undefined, { signal });
  const after = await busyMs(query);
  const elapsedMs = performance.now() - since;
  let ms = 0;
  // Each by itself: one that was dropped meanwhile, or whose counts were begun anew, takes nothing from the others.
  for (const [database, sinceReset] of after) ms += Math.max(0, sinceReset - (before.get(database) ?? 0));
  return ms / elapsedMs;
}

/** Milliseconds that the sessions of each database have been at work, by its id. */
async function busyMs(query: SqlSession['query']): Promise<Map<string, number>> {
  const rows = await query<{ id: string; ms: number }>(
    `SELECT datid::text AS id, coalesce((to_jsonb(d) ->> 'active_time')::float8, 0) AS ms FROM pg_stat_database d`,
    [],
  );
  return new Map(rows.map(({ id, ms }) => [id, ms]));
}

/**
 * Tells how far it is until it is ended. That the state cannot be read for once is no reason to stop. A build reads its own number of candidates
 * when it begins: from then on the index is told that of later vectors, so that what is written meanwhile, which goes in at the end, has it too.
 */
function watch(
  { ask, session, lookMs }: Omit<Server, 'atWork'>,
  index: VectorIndex,
  { onProgress, signal }: IndexBuild,
): () => Promise<void> {
  const built = new AbortController();
  let isTold = index.insertConstruction === undefined;
  const watching = (async () => {
    while (await sleep(lookMs, true, { signal: built.signal }).catch(() => false)) {
      const { share } = await stateOf(ask, index).catch(() => ({ share: null }));
      if (share === null || built.signal.aborted) continue;
      onProgress?.(share);
      if (isTold || share === 0) continue;
      // Else it is told when it is built.
      isTold = await setInsertConstruction(session, index, LOCK_MS, signal).then(
        () => true,
        () => false,
      );
    }
  })();
  return () => {
    built.abort();
    return watching;
  };
}
