import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';

const PING_MS = 900;
const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const CHROMIUM_PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** A Postgres server on which the tests may make databases, or undefined: then only PGlite is under test. */
export const postgresUrl = (): string | undefined => process.env.DATABASE_URL || undefined;

/** A Redis server that the tests may fill under prefixes of their own, or undefined. */
export const redisUrl = (): string | undefined => process.env.REDIS_URL || undefined;

/** A Chromium to drive: CHROMIUM_PATH, else the usual names on PATH and the usual places, else undefined. */
export function chromiumPath(): string | undefined {
  if (process.env.CHROMIUM_PATH) return process.env.CHROMIUM_PATH;
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const onPath = folders.flatMap((folder) => CHROMIUM_NAMES.map((name) => join(folder, name)));
  return [...onPath, ...CHROMIUM_PLACES].find((path) => existsSync(path));
}

export type Service = {
  name: 'postgres' | 'redis' | 'chromium';
  /** Undefined: not given, the tests that need it are not defined. */
  address: string | undefined;
  /** What to do when it is missing. */
  give: string;
  /** Version in words. Throws within a second when it cannot be used. */
  ping(): Promise<string>;
};

/** Everything outside this process that the tests can use. PGlite is always under test, inside the process. */
export const adapters = (): Service[] => [
  { name: 'postgres', address: postgresUrl(), give: 'set DATABASE_URL', ping: () => pingPostgres(postgresUrl() ?? '') },
  { name: 'redis', address: redisUrl(), give: 'set REDIS_URL', ping: () => pingRedis(redisUrl() ?? '') },
  {
    name: 'chromium',
    address: chromiumPath(),
    give: 'install Chromium or set CHROMIUM_PATH',
    ping: async () => pingChromium(chromiumPath() ?? ''),
  },
];

export type FreshPostgres = AsyncDisposable & { url: string };

/** Makes an empty database with a name of its own on the server of `baseUrl`; dropped, with its sessions, on dispose. */
export async function freshPostgresDatabase(baseUrl: string): Promise<FreshPostgres> {
  const name = `simili_test_${randomBytes(6).toString('hex')}`;
  await query(baseUrl, `CREATE DATABASE ${name}`);
  const url = new URL(baseUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    [Symbol.asyncDispose]: async () => void (await query(baseUrl, `DROP DATABASE ${name} WITH (FORCE)`)),
  };
}

async function query<Row extends object>(url: string, sql: string, connectionTimeoutMillis = 10_000): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis, query_timeout: 30_000 });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function pingPostgres(url: string): Promise<string> {
  const sql = `SELECT current_setting('server_version') AS server,
                      (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS vector`;
  const [row] = await query<{ server: string; vector: string | null }>(url, sql, PING_MS);
  if (!row?.vector) throw new Error('the server has no pgvector');
  return `${row.server}, pgvector ${row.vector}`;
}

async function pingRedis(url: string): Promise<string> {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: PING_MS, retryStrategy: () => null });
  let why = `no answer within ${PING_MS} ms`;
  redis.on('error', (error: Error) => {
    why = error.message;
  });
  const version = redis.connect().then(async () => /redis_version:(\S+)/.exec(await redis.info('server'))?.[1]);
  try {
    // A deadline of our own: connecting is several commands, each with a time limit of its own.
    return (await Promise.race([version, late(PING_MS)])) ?? 'unknown version';
  } catch (error) {
    throw new Error(why, { cause: error });
  } finally {
    redis.disconnect();
  }
}

async function late(ms: number): Promise<never> {
  await setTimeout(ms, undefined, { ref: false });
  throw new Error('late');
}

function pingChromium(path: string): string {
  if (!existsSync(path)) throw new Error('no such file');
  return path;
}
