import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { Agent, request } from 'undici';
import { makeRandom, type Random } from '../learning/numbers/random.ts';
import { until } from '../test/support/until.ts';
import { temporaryDir } from './running.ts';
import { categoryOf, idOf, type ServingCatalog, SHARES, servingCatalog } from './serving-catalog.ts';
import { yardsticks } from './serving-yardsticks.ts';

/** Products of a page. */
export const FIRST = 12;
const SECONDS = 4;
const WARM_SECONDS = 15;
const ROUNDS = 3;
const CLIENTS = [1, 8];
/** Anchors whose lists are compared with the exact ones; of a catalog larger than the usual one fewer, since each exact list reads all vectors. */
const JUDGED = 40;
const JUDGED_OF_LARGE = 10;
/** Products of the usual catalog: a larger one is measured beside it. */
const USUAL = 100_000;
const QUERY = `query ($id: ID!, $filter: ProductFilter) {
  similarItems(id: $id, first: ${FIRST}, filter: $filter) { status nodes { id title price { amount currencyCode } } } }`;

type Row = Record<string, string | number>;
/** Asks one page; null: no filter. @returns the ids */
type Ask = (anchor: string, share: number | null) => Promise<string[]>;
export type Way = {
  what: string;
  /** How many its catalog has: anchors are drawn from these. */
  products: number;
  open(clients: number): Promise<Opened>;
};
type Opened = { ask: Ask; pid: number | null; close(): Promise<void> };

/**
 * `similarItems` over HTTP beside raw pgvector and beside Apollo Server with the page in memory, in turn, in one run.
 * Beside a catalog of more than 100,000 products one of these is measured, too. Rows are told on stderr as they come.
 * @param options.yardsticks a folder of scripts/yardsticks.sh: search libraries in the process that asks are in the table too; '': they are not
 */
export async function serving({ products, ...options }: { products: number; yardsticks: string }): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: this is measured on a Postgres server with pgvector');
  const catalogs: ServingCatalog[] = [];
  try {
    for (const count of products > USUAL ? [USUAL, products] : [products]) {
      const catalog = await servingCatalog(admin, count);
      catalogs.push(catalog);
      tell(indexRow(catalog));
    }
    return await besideEachOther(catalogs, options.yardsticks);
  } finally {
    for (const catalog of catalogs) await catalog[Symbol.asyncDispose]();
  }
}

/** @param catalogs all of them without a filter, the last one also by what passes filters and by recall */
async function besideEachOther(catalogs: readonly ServingCatalog[], folder: string): Promise<Row[]> {
  const catalog = catalogs.at(-1)!;
  const { products } = catalog;
  const beside = folder ? await yardsticks(catalog, folder) : [];
  const rows: Row[] = [];
  const add = (more: Row[]) => {
    more.forEach(tell);
    rows.push(...more);
  };
  rows.push(...catalogs.map(indexRow));
  add(beside.map(({ way, indexSeconds }) => ({ what: `index, ${way.what}`, products, seconds: indexSeconds })));
  const asked = [similiWay(catalog), ...beside.map(({ way }) => way)];
  const smaller = catalogs.slice(0, -1).flatMap((one) => [rawWay(one), similiWay(one)]);
  const random = makeRandom(7);
  for (const clients of CLIENTS)
    add(await compared([...smaller, rawWay(catalog), ...asked, inMemoryWay(products)], clients, null, random));
  for (const share of SHARES) add(await compared([similiWay(catalog)], 1, share, random));
  for (const way of asked) {
    for (const row of rows.filter((one) => one.what === way.what && one.products === products)) {
      row.recall10 = await recallOf(catalog, way, row.share === 'none' ? null : Number(row.share), random);
      tell(row);
    }
  }
  for (const { close } of beside) await close();
  return rows;
}

const tell = (row: Row): void => void process.stderr.write(`${JSON.stringify(row)}\n`);
const indexRow = ({ products, index }: ServingCatalog): Row => ({ what: 'index', products, ...index });

/**
 * The best of some rounds for each way, the ways in turn: what else the machine does meets all of them. Each is warm before: code that was
 * called a few hundred times takes twice the time of code that was called some thousand times, and a shop's server is up for days.
 */
async function compared(ways: readonly Way[], clients: number, share: number | null, random: Random) {
  const opened = await Promise.all(ways.map(async (way) => ({ way, ...(await way.open(clients)) })));
  const best = new Map<Way, Row>();
  try {
    for (const one of opened)
      await loop(one.ask, clients, share, () => idOf(random.int(one.way.products)), WARM_SECONDS);
    for (let round = 0; round < ROUNDS; round++) {
      for (const one of opened) {
        const { what, products } = one.way;
        const figures = await measured(one, clients, share, () => idOf(random.int(products)));
        const row: Row = { what, products, clients, share: share ?? 'none', ...figures };
        const before = best.get(one.way);
        if (!before || Number(row.queriesPerSecond) > Number(before.queriesPerSecond)) best.set(one.way, row);
      }
    }
  } finally {
    for (const { close } of opened) await close();
  }
  return [...best.values()];
}

async function measured(
  { ask, pid }: Opened,
  clients: number,
  share: number | null,
  anchor: () => string,
): Promise<Row> {
  await loop(ask, clients, share, anchor, 1); // what another way has pushed out of the processor is back
  const cpuBefore = cpuSeconds(pid);
  const since = performance.now();
  const times = await loop(ask, clients, share, anchor, SECONDS);
  const seconds = (performance.now() - since) / 1000;
  const at = (quantile: number) => Number(times[Math.floor((times.length - 1) * quantile)]!.toFixed(2));
  return {
    queriesPerSecond: Math.round(times.length / seconds),
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    cpuMsPerRequest: pid ? Number(((1000 * (cpuSeconds(pid) - cpuBefore)) / times.length).toFixed(2)) : '',
  };
}

/** Milliseconds of each query, in order. */
async function loop(ask: Ask, clients: number, share: number | null, anchor: () => string, seconds: number) {
  const times: number[] = [];
  const end = performance.now() + 1000 * seconds;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let since = performance.now(); since < end; since = performance.now()) {
        await ask(anchor(), share);
        times.push(performance.now() - since);
      }
    }),
  );
  return times.sort((a, b) => a - b);
}

/** The statement of somebody who needs this page and nothing else: prepared, on a connection with its settings. */
const rawWay = ({ url, table, products }: ServingCatalog): Way => ({
  what: 'raw pgvector',
  products,
  async open(clients) {
    const options = '-c hnsw.ef_search=100 -c hnsw.iterative_scan=strict_order';
    const pool = new pg.Pool({ connectionString: url, max: clients, options });
    const vec = `(SELECT vec FROM ${table} WHERE product_id = $1)`;
    const text = `
      SELECT p.id, p.title, p.price, p.currency
      FROM (SELECT e.product_id, e.vec <-> ${vec} AS l2 FROM ${table} e WHERE e.product_id <> $1
            ORDER BY e.vec <-> ${vec} LIMIT ${FIRST}) AS n JOIN simili.product p
        ON p.catalog_id = 'default' AND p.id = n.product_id ORDER BY n.l2`;
    const ask: Ask = async (id) => (await pool.query({ name: 'page', text, values: [id] })).rows.map((row) => row.id);
    return { ask, pid: null, close: () => pool.end() };
  },
});

const similiWay = ({ url, products }: ServingCatalog): Way => ({
  what: 'similarItems',
  products,
  open: (clients) =>
    overHttp(['dist/cli/main.js', 'serve'], clients, {
      DATABASE_URL: url,
      NODE_ENV: 'production',
      PORT: '0',
      SIMILI_QUERY_RATE: '0',
      SIMILI_QUERY_SECONDS: '60',
      SIMILI_DRAIN_SECONDS: '0',
    }),
});
const inMemoryWay = (products: number): Way => ({
  what: 'Apollo Server, page in memory',
  products,
  open: (clients) =>
    overHttp(['--import', 'tsx', 'bench/serving-in-memory.ts'], clients, {
      NODE_ENV: 'production',
    }),
});

async function overHttp(args: string[], clients: number, settings: Record<string, string>) {
  const dir = await temporaryDir();
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, SIMILI_DATA_DIR: dir.path, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const url = await until(async () => /(?:API at|Listening on) (\S+)/.exec(output)?.[1]?.replace(/\/$/, ''), 60);
  const dispatcher = new Agent({ connections: clients });
  const ask: Ask = async (id, share) => {
    const filter = share === null ? null : { categories: [categoryOf(share)] };
    const { body } = await request(`${url}/graphql`, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUERY, variables: { id, filter } }),
    });
    const { data, errors } = (await body.json()) as {
      data: { similarItems: { nodes: { id: string }[] } };
      errors?: { message: string }[];
    };
    if (errors?.[0]) throw new Error(errors[0].message);
    return data.similarItems.nodes.map((node) => node.id);
  };
  const close = async () => {
    await dispatcher.close();
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    await dir.remove();
  };
  return { ask, pid: child.pid ?? null, close };
}

/** Share of the exact ten nearest, by a scan of all that pass, that are among the first ten. */
async function recallOf(catalog: ServingCatalog, way: Way, share: number | null, random: Random): Promise<number> {
  const { ask, close } = await way.open(1);
  const client = new pg.Client({ connectionString: catalog.url });
  await client.connect();
  try {
    let [right, wanted] = [0, 0];
    for (let i = 0; i < (catalog.products > USUAL ? JUDGED_OF_LARGE : JUDGED); i++) {
      const id = idOf(random.int(catalog.products));
      const { rows } = await client.query(
        `SELECT e.product_id AS id FROM ${catalog.table} e JOIN simili.product p ON p.catalog_id = 'default' AND p.id = e.product_id
         WHERE e.product_id <> $1 AND ($2::text IS NULL OR p.categories && ARRAY[$2::text])
         ORDER BY (e.vec <-> (SELECT vec FROM ${catalog.table} WHERE product_id = $1)) + 0, e.product_id LIMIT 10`,
        [id, share === null ? null : categoryOf(share)],
      );
      const found = new Set((await ask(id, share)).slice(0, 10));
      right += rows.filter((row) => found.has(row.id)).length;
      wanted += rows.length;
    }
    return wanted === 0 ? 1 : Number((right / wanted).toFixed(3));
  } finally {
    await client.end();
    await close();
  }
}

/** CPU that a process has used, user and system. 0 where /proc is missing. */
function cpuSeconds(pid: number | null): number {
  if (pid === null) return 0;
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}
