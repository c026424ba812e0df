import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { makeRandom } from '../learning/numbers/random.ts';
import { openEmbedded } from '../src/db/embedded.ts';
import { until } from '../test/support/until.ts';
import { percentile, startCommand, temporaryDir } from './running.ts';
import { categoryOf, fillCatalog, idOf, SHARES } from './serving-catalog.ts';

const CLIENTS = 8;
const SECONDS = 8;
/** Limits: pages a second without a filter, and how long the thread that answers may be held at a time, ms. */
const LEAST_RATE = 150;
const LONGEST_HOLD_MS = 100;
const QUERY = `query ($id: ID!, $filter: ProductFilter) {
  similarItems(id: $id, first: 12, filter: $filter) { status nodes { id title price { amount currencyCode } } } }`;

/** Pages a second of the embedded database over HTTP, by the share of products that pass a filter, and how long its thread was held. */
export async function embedded({ products }: { products: number }) {
  const dir = await temporaryDir();
  try {
    await fill(join(dir.path, 'database'), products);
    const hold = join(dir.path, 'hold');
    const simili = await startCommand(['start', '--no-demo'], /API at (\S+)/, {
      SIMILI_DATA_DIR: dir.path,
      SIMILI_QUERY_RATE: '0',
      SIMILI_QUERY_SECONDS: '60',
      SIMILI_BENCH_HOLD: hold,
      NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'longest-hold.mjs'))}`,
    });
    try {
      const rows = [];
      for (const share of [null, ...SHARES]) rows.push(await measured(simili.url, products, share, hold));
      return rows;
    } finally {
      await simili.stop();
    }
  } finally {
    await dir.remove();
  }
}

async function fill(database: string, products: number): Promise<void> {
  const storage = await openEmbedded(database);
  try {
    const client = {
      query: (sql: string, values: unknown[] = []) => storage.prisma.$executeRawUnsafe(sql, ...values),
    };
    await fillCatalog(storage, client, products);
  } finally {
    await storage.close();
  }
}

async function measured(url: string, products: number, share: number | null, hold: string) {
  const random = makeRandom(7);
  await pages(url, () => idOf(random.int(products)), share, SECONDS / 4); // warm
  await rm(hold, { force: true });
  await until(async () => readHold(hold)); // counted from here
  const times = await pages(url, () => idOf(random.int(products)), share, SECONDS);
  const rate = Math.round(times.length / SECONDS);
  const held = (await readHold(hold)) ?? Number.NaN;
  return {
    products,
    clients: CLIENTS,
    share: share ?? 'no filter',
    queriesPerSecond: rate,
    ...(share === null ? { limit: LEAST_RATE } : {}),
    p50: Number(percentile(times, 0.5).toFixed(1)),
    p95: Number(percentile(times, 0.95).toFixed(1)),
    longestHoldMs: Math.round(held),
    met: (share !== null || rate >= LEAST_RATE) && held <= LONGEST_HOLD_MS ? 'yes' : 'NO',
  };
}

const readHold = (path: string) => readFile(path, 'utf8').then(Number, () => null);

/** Milliseconds of each page. */
async function pages(url: string, anchor: () => string, share: number | null, seconds: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + 1000 * seconds;
  const filter = share === null ? null : { categories: [categoryOf(share)] };
  const client = async () => {
    for (let since = performance.now(); since < end; since = performance.now()) {
      const answer = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: QUERY, variables: { id: anchor(), filter } }),
      });
      const { errors } = (await answer.json()) as { errors?: { message: string }[] };
      if (errors?.[0]) throw new Error(errors[0].message);
      times.push(performance.now() - since);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return times;
}
