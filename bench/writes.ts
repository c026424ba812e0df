import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { makeRandom } from '../learning/numbers/random.ts';
import type { JobRow } from '../src/db/jobs.ts';
import { until } from '../test/support/until.ts';
import { idOf } from './projection-catalog.ts';
import { percentile, startCommand, temporaryDir } from './running.ts';
import { likeness, type Shown, startNewcomers } from './writes/newcomers.ts';
import { servePictures } from './writes/pictures.ts';
import { type Reading, startReaders } from './writes/readers.ts';
import { embedAnew, ended, fillShop, type Shop, upsert } from './writes/shop.ts';

const CLIENTS = 8;
const UPSERTS_A_MINUTE = 200;
const PICTURES = 150;
const WARM_SECONDS = 5;
/** Bounds against hangs: embedding of all products and the index behind it. */
const MOST_SECONDS = 3600;
/** Limits: p95 beside writes, in p95 of a quiet shop in the same run; and p95 until a new product is in others' lists, ms. */
const MOST_TIMES = 2;
const LONGEST_MS = 2000;

type Row = Record<string, string | number>;

/**
 * Eight clients read lists, over HTTP, from `simili serve` on a Postgres: while nothing else happens, while 200 new products a minute come whose pictures a
 * worker fetches and embeds, and while it embeds all products for another version besides and builds its index. And how long it takes
 * until a new product is in the list of one that it looks like. Quiet is what it was before and what it is again behind all that: machines that others
 * share have fast and slow minutes.
 * @param options.seconds of quiet before and behind, and of the new products alone; the rest is as long as the version takes
 */
export async function writes(options: { products: number; seconds: number }): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: this is measured on a Postgres server with pgvector');
  const since = performance.now();
  const told = (what: string) => process.stderr.write(`${((performance.now() - since) / 1000).toFixed()} s: ${what}\n`);
  await using shop = await fillShop(admin, options.products);
  told(`${options.products} products are written, with what was seen in their pictures`);
  const dir = await temporaryDir();
  const database = await urlOf(shop, admin);
  const env = {
    DATABASE_URL: database,
    SIMILI_DATA_DIR: dir.path,
    NODE_ENV: 'production',
    SIMILI_QUERY_RATE: '0',
    SIMILI_ALLOW_PRIVATE_URLS: 'true',
    SIMILI_RETRAIN_PAUSE_MINUTES: '0',
  };
  const first = await embedAnew(shop, 1); // before there is a worker, which would train a first model of its own
  const api = await startCommand(['serve'], /Listening on (\S+)/, env);
  const worker = await startCommand(['worker'], /Working on/, env);
  try {
    return await measured(shop, { url: api.url, database, ...options }, first, told);
  } finally {
    await worker.kill();
    await api.kill();
    await dir.remove();
  }
}

type Run = { url: string; database: string; products: number; seconds: number };

async function measured(shop: Shop, run: Run, first: JobRow, told: (what: string) => void): Promise<Row[]> {
  const { url, database, products, seconds } = run;
  await using pictures = await servePictures(PICTURES);
  await ended(shop, first.id, MOST_SECONDS);
  const serving = await shop.repositories.models.serving();
  if (!serving) throw new Error('the first version does not serve');
  told('the first version serves');
  const table = `simili.embedding_${serving.number}`;
  const known = Array.from({ length: pictures.count }, (_, picture) => ({
    id: likeness(picture),
    picture,
    variant: 0,
  }));
  await upsert(url, pictures, known);
  await until(async () => (await countOf(database, table)) === products + known.length, MOST_SECONDS);
  told(`${known.length} products with pictures have their vectors`);
  const random = makeRandom(7);
  const readers = startReaders(url, CLIENTS, () => idOf(random.int(products)));
  await sleep(1000 * WARM_SECONDS);
  readers.enter(QUIET);
  await sleep(1000 * seconds);
  readers.enter('beside 200 upserts a minute');
  const newcomers = startNewcomers({ url, database, table }, pictures, UPSERTS_A_MINUTE);
  await sleep(1000 * seconds);
  const second = await embedAnew(shop, 2);
  await until(async () => {
    const job = await shop.repositories.jobs.byId(second.id);
    if (job?.state === 'FAILED') throw new Error(`the second version was not embedded: ${JSON.stringify(job.error)}`);
    if (job?.phase !== 'EMBED') return true;
    readers.enter(
      `${job.message?.startsWith('Building') ? 'its index' : 'all vectors'} of a new version, besides`,
      WHOLE,
    );
    return false;
  }, MOST_SECONDS);
  told('the second version is embedded');
  readers.leave();
  const { shown, ...counts } = await newcomers.end();
  await until(async () => ENDED.includes((await shop.repositories.jobs.byId(second.id))!.state), MOST_SECONDS);
  await sleep(1000 * WARM_SECONDS);
  readers.enter(QUIET);
  await sleep(1000 * seconds);
  const readings = await readers.end();
  return [...ofReadings(readings, products), ...ofNewcomers(shown, counts)];
}

const QUIET = 'quiet';
const WHOLE = 'a new version, from its first vector to its index';
const ENDED: readonly string[] = ['SUCCEEDED', 'FAILED', 'CANCELLED'];

function ofReadings(readings: readonly Reading[], products: number): Row[] {
  const quiet = readings.find(({ what }) => what === QUIET)!;
  return readings.map((reading) => {
    const timesQuiet = Number((reading.p95 / quiet.p95).toFixed(2));
    const judged = { timesQuiet, limit: MOST_TIMES, met: timesQuiet <= MOST_TIMES && !reading.failed ? 'yes' : 'NO' };
    return { products, clients: CLIENTS, ...reading, ...(reading === quiet ? {} : judged) };
  });
}

type Counts = { upserts: number; never: number; outranked: number };

function ofNewcomers(shown: readonly Shown[], { upserts, never, outranked }: Counts): Row[] {
  const row = (what: string, times: readonly number[]): Row => {
    const at = (share: number) => Math.round(percentile(times, share));
    const met = never === 0 && at(0.95) <= LONGEST_MS ? 'yes' : 'NO';
    return {
      what,
      upserts,
      lookedFor: times.length + never,
      never,
      outranked,
      p50: at(0.5),
      p95: at(0.95),
      limit: LONGEST_MS,
      met,
    };
  };
  return [
    row(
      'new product in others’ lists, ms from its upsert',
      shown.map(({ fromUpsert }) => fromUpsert),
    ),
    row(
      'the same, ms from its vector',
      shown.map(({ fromVector }) => fromVector),
    ),
  ];
}

async function urlOf(shop: Shop, admin: string): Promise<string> {
  const [row] = await shop.storage.prisma.$queryRaw<{ name: string }[]>`SELECT current_database()::text AS name`;
  const url = new URL(admin);
  url.pathname = `/${row!.name}`;
  return url.href;
}

async function countOf(database: string, table: string): Promise<number> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  try {
    return (await client.query(`SELECT count(*)::int AS n FROM ${table}`)).rows[0].n;
  } finally {
    await client.end();
  }
}
