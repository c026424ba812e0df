import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
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

/** Everything outside this process that the tests can use, and time for those that take the most of it. PGlite is always under test, inside the process. */
export type ServiceName = 'postgres' | 'redis' | 'chromium' | 'encoders' | 'long-tests';

export type Service = {
  name: ServiceName;
  /** Undefined: not given, and the tests that carry its name as a tag are not tried. */
  address: string | undefined;
  /** How to have it. */
  give: string;
  /** Version in words. Throws within a second when it cannot be used. */
  ping(): Promise<string>;
};

export const services = (): Service[] => [
  {
    name: 'postgres',
    address: process.env.DATABASE_URL || undefined,
    give: 'set DATABASE_URL to a Postgres with pgvector on which the tests may make databases',
    ping: () => pingPostgres(postgresUrl()),
  },
  {
    name: 'redis',
    address: process.env.REDIS_URL || undefined,
    give: 'set REDIS_URL to a Redis that the tests may fill under prefixes of their own',
    ping: () => pingRedis(redisUrl()),
  },
  {
    name: 'chromium',
    address: findChromium(),
    give: 'install Chromium or set CHROMIUM_PATH',
    ping: async () => pingChromium(chromiumPath()),
  },
  {
    name: 'encoders',
    address: findEncoders(),
    give: 'run scripts/pretrained.sh, or set SIMILI_TEST_ENCODERS to the folder that it printed elsewhere',
    ping: async () => pingEncoders(peerEncoders()),
  },
  {
    name: 'long-tests',
    address: process.env.SIMILI_TEST_LONG || undefined,
    give: 'set SIMILI_TEST_LONG=1; they compute for a minute or more',
    ping: async () => 'too',
  },
];

/** For vitest.config.ts: `{ tags: ['redis'] }` on a test or a suite says that it needs a Redis. Without one it is skipped, and told. */
export const serviceTags = () =>
  services().map(({ name, address, give }) => ({ name, description: `needs ${name}: ${give}`, skip: !address }));

/**
 * The address of a service, for a test that carries its tag. It throws where there is none, so that no file can ask it
 * whether to define its tests: a test that is not defined is one that nobody misses.
 */
function addressOf(wanted: ServiceName): string {
  const { address, give } = services().find(({ name }) => name === wanted) as Service;
  if (!address) throw new Error(`No ${wanted}: give the test { tags: ['${wanted}'] }, and to try it ${give}`);
  return address;
}

export const postgresUrl = (): string => addressOf('postgres');
export const redisUrl = (): string => addressOf('redis');
export const chromiumPath = (): string => addressOf('chromium');
/** The folder of scripts/pretrained.sh. */
export const peerEncoders = (): string => addressOf('encoders');

/** CHROMIUM_PATH, else the usual names on PATH and the usual places, else undefined. Empty: there is none, do not look. */
function findChromium(): string | undefined {
  const given = process.env.CHROMIUM_PATH;
  if (given !== undefined) return given || undefined;
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const onPath = folders.flatMap((folder) => CHROMIUM_NAMES.map((name) => join(folder, name)));
  return [...onPath, ...CHROMIUM_PLACES].find((path) => existsSync(path));
}

const PEERS = ['efficientnet-lite2', 'thin-resnet50'];

/** SIMILI_TEST_ENCODERS, else where the script puts them, else undefined. Empty: there are none, do not look. */
function findEncoders(): string | undefined {
  const given = process.env.SIMILI_TEST_ENCODERS;
  if (given !== undefined) return given || undefined;
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'simili', 'encoders-2');
  return PEERS.every((name) => existsSync(join(folder, name, 'encoder.json'))) ? folder : undefined;
}

function pingEncoders(folder: string): string {
  const missing = PEERS.filter((name) => !existsSync(join(folder, name, 'encoder.json')));
  if (missing.length > 0) throw new Error(`${folder} has no ${missing.join(', ')}`);
  return PEERS.join(', ');
}

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
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis, query_timeout: 120_000 });
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
