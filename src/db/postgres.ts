import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { SimiliError } from '../errors.ts';
import { indexBuilder } from './indexes/build-index.ts';
import { Circuit } from './session/circuit.ts';
import { asUnavailable, describe } from './session/connection-errors.ts';
import { openDatabaseClock } from './session/database-clock.ts';
import { limitedPool } from './session/limited-pool.ts';
import { migrate } from './session/migrate.ts';
import { ownSessions } from './session/own-session.ts';
import { MOST_AT_ONCE, usualPagesAtOnce } from './session/pages-at-once.ts';
import { PreparedQuery } from './session/prepared-postgres.ts';
import type { SqlSession, Storage } from './session/storage.ts';
import { typedAsk, typedClient } from './session/typed-client.ts';
import { askPrepared } from './sql/ask.ts';

const OLDEST_POSTGRES = 14;
/** Iterative index scans came with 0.8.0; 0.8.4 holds the last fix against damaged HNSW indexes. */
const OLDEST_PGVECTOR = [0, 8, 0];
const SOUND_PGVECTOR = [0, 8, 4];

/**
 * @param pagesAtOnce short pages of similar items that are on their way at once, 1 to 10; left out: as many as is usual of this database
 * @throws SimiliError DATABASE_UNAVAILABLE (no connection), DATABASE_UNSUITABLE (version, extension), MIGRATION_FAILED.
 */
export async function openPostgres(url: string, pagesAtOnce?: number): Promise<Storage> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    application_name: 'simili-migrate',
  });
  await client.connect().catch((error: Error) => {
    throw new SimiliError('DATABASE_UNAVAILABLE', { why: `${describe(error)} (DATABASE_URL)` });
  });
  try {
    const session: SqlSession = {
      exec: async (sql) => void (await client.query(sql)),
      query: async <Row>(sql: string, params: unknown[] = []) => (await client.query(sql, params)).rows as Row[],
    };
    const found = await checkVersions(session);
    await withVectorsInReach(session, url); // where they are there already: migrations use them
    await migrate(session);
    return await opened(
      await withVectorsInReach(session, url),
      url,
      pagesAtOnce ?? usualPagesAtOnce(client.host),
      found,
    );
  } catch (error) {
    throw lacksPrivilege(error) ?? asUnavailable(error) ?? error;
  } finally {
    await client.end();
  }
}

/** SQLSTATE insufficient_privilege, also where a migration met it. */
function lacksPrivilege(error: unknown): SimiliError | null {
  const { code, message } = error as { code?: string; message: string };
  if (code !== '42501' && !/^Migration .* failed: (permission denied|must be owner)/.test(message)) return null;
  return new SimiliError('DATABASE_UNSUITABLE', {
    why: `${message}: let the owner of the database run \`simili migrate\`, or grant this role what is missing`,
  });
}

/**
 * The address whose sessions find pgvector's type and operators: the extension may lie in a schema that is not on the
 * role's search_path.
 */
async function withVectorsInReach(session: SqlSession, url: string): Promise<string> {
  const [row] = await session.query<{ schema: string; path: string; within: boolean; usable: boolean }>(
    `SELECT quote_ident(n.nspname) AS schema, current_setting('search_path') AS path,
            n.nspname = ANY(current_schemas(true)) AS within, has_schema_privilege(n.oid, 'USAGE') AS usable
     FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'`,
  );
  if (!row || row.within) return url;
  if (!row.usable)
    throw new SimiliError('DATABASE_UNSUITABLE', {
      why: `pgvector is in the schema ${row.schema}, which this role may not use: GRANT USAGE ON SCHEMA ${row.schema} to it`,
    });
  const reaching = new URL(url);
  const path = `${row.path.replaceAll(', ', ',')},${row.schema}`.replaceAll(' ', '\\ ');
  const options = [reaching.searchParams.get('options'), `-c search_path=${path}`].filter(Boolean).join(' ');
  reaching.searchParams.set('options', options);
  return reaching.href;
}

/** `url` is where the queue goes: its tables are in a schema of their own. */
async function opened(
  reaching: string,
  url: string,
  pagesAtOnce: number,
  found: { version: string; warnings: string[] },
): Promise<Storage> {
  const circuit = new Circuit();
  const poolOf = (max: number) => limitedPool({ connectionString: reaching, application_name: 'simili', max }, circuit);
  const pool = poolOf(MOST_AT_ONCE);
  // Fewer at once have sessions of their own: they wait for each other, and not for what takes longer.
  const pages = pagesAtOnce < MOST_AT_ONCE ? poolOf(pagesAtOnce) : pool;
  const prisma = typedClient(new PrismaPg(pool));
  type Query = (query: pg.QueryConfig | PreparedQuery) => Promise<{ rows: unknown[] }>;
  const ask = typedAsk(
    askPrepared(({ name, ...unnamed }, isShort) => {
      const query = (isShort ? pages : pool).query as Query;
      return query(name ? new PreparedQuery({ name, ...unnamed }) : unnamed);
    }),
  );
  const close = async () => {
    await prisma.$disconnect();
    // Prisma would end one that it has used, and no other.
    await Promise.all([pool, pages].map((one) => (one.ending ? undefined : one.end())));
  };
  const clock = await openDatabaseClock(ask).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    kind: 'postgres',
    prisma,
    ask,
    buildIndex: indexBuilder(ask, ownSessions(reaching)),
    indexedFrom: null,
    clock,
    queue: { connectionString: url },
    ...found,
    close,
  };
}

async function checkVersions(session: SqlSession) {
  const [server] = await session.query<{ v: string }>(`SELECT current_setting('server_version') AS v`);
  if (Number.parseInt(server?.v ?? '', 10) < OLDEST_POSTGRES) {
    throw new SimiliError('DATABASE_UNSUITABLE', { why: `Postgres ${server?.v} is older than ${OLDEST_POSTGRES}` });
  }
  await checkEncoding(session);
  const [extension] = await session.query<{ installed: string | null; available: string }>(
    `SELECT installed_version AS installed, default_version AS available FROM pg_available_extensions WHERE name = 'vector'`,
  );
  if (!extension) {
    throw new SimiliError('DATABASE_UNSUITABLE', {
      why: 'its server has no pgvector extension: install pgvector 0.8.4 or newer',
    });
  }
  const version = extension.installed ?? extension.available;
  if (isOlder(version, OLDEST_PGVECTOR)) {
    throw new SimiliError('DATABASE_UNSUITABLE', {
      why: `pgvector ${version} is older than 0.8.0: update it, then run ALTER EXTENSION vector UPDATE`,
    });
  }
  const warnings = isOlder(version, SOUND_PGVECTOR)
    ? [`pgvector ${version} can damage HNSW indexes under vacuum: update to 0.8.4 or newer`]
    : [];
  return { version: `Postgres ${server?.v}, pgvector ${version}`, warnings };
}

/** Titles and ids are any text; other encodings refuse some of it, row by row. */
async function checkEncoding(session: SqlSession): Promise<void> {
  const [row] = await session.query<{ encoding: string }>(`SELECT current_setting('server_encoding') AS encoding`);
  if (row?.encoding === 'UTF8') return;
  throw new SimiliError('DATABASE_UNSUITABLE', {
    why: `its encoding is ${row?.encoding}: create one with ENCODING 'UTF8' TEMPLATE template0`,
  });
}

function isOlder(version: string, than: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  const at = than.findIndex((want, i) => (parts[i] ?? 0) !== want);
  return at >= 0 && (parts[at] ?? 0) < (than[at] ?? 0);
}
