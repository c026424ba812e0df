import { spawn } from 'node:child_process';
import pg from 'pg';
import { Pool } from 'undici';
import { until } from '../test/support/until.ts';
import { post } from './post.ts';
import { temporaryDir } from './running.ts';
import { categoryOf, type ServingCatalog } from './serving-catalog.ts';

/** Products of a page. */
export const FIRST = 12;
/** A page of twelve; a longer one; one of whose products each has a page of twelve of its own. */
export type Page = 'twelve' | 'fifty' | 'nested';
const PAGE = (first: number, more = '') => `query ($id: ID!, $filter: ProductFilter) {
  similarItems(id: $id, first: ${first}, filter: $filter) { status nodes { id title price { amount currencyCode } ${more} } } }`;
const QUERIES: Readonly<Record<Page, string>> = {
  twelve: PAGE(FIRST),
  fifty: PAGE(50),
  nested: PAGE(FIRST, `similarItems(first: ${FIRST}) { nodes { id } }`),
};

/** Asks one page; null: no filter. @returns the ids of it */
export type Ask = (anchor: string, share: number | null, page?: Page) => Promise<string[]>;
export type Way = {
  what: string;
  /** How many its catalog has: anchors are drawn from these. */
  products: number;
  open(clients: number): Promise<Opened>;
};
export type Opened = { ask: Ask; pid: number | null; close(): Promise<void> };

/** The statements of somebody who needs these pages and nothing else: prepared, on a connection with its settings. */
export const rawWay = ({ url, table, products }: ServingCatalog): Way => ({
  what: 'raw pgvector',
  products,
  async open(clients) {
    const options = '-c hnsw.ef_search=100'; // without an iterative scan, as pgvector is: nothing is filtered
    const pool = new pg.Pool({ connectionString: url, max: clients, options });
    const vec = `(SELECT vec FROM ${table} WHERE product_id = $1)`;
    const textOf = (first: number) => `
      SELECT p.id, p.title, p.price, p.currency
      FROM (SELECT e.product_id, e.vec <-> ${vec} AS l2 FROM ${table} e WHERE e.product_id <> $1
            ORDER BY e.vec <-> ${vec} LIMIT ${first}) AS n JOIN simili.product p
        ON p.catalog_id = 'default' AND p.id = n.product_id ORDER BY n.l2`;
    const pagesOfEach = `
      SELECT a.product_id AS anchor, n.product_id AS id
      FROM ${table} a CROSS JOIN LATERAL (SELECT e.product_id, e.vec <-> a.vec AS l2 FROM ${table} e WHERE e.product_id <> a.product_id
        ORDER BY e.vec <-> a.vec LIMIT ${FIRST}) AS n
      WHERE a.product_id = ANY($1) ORDER BY a.product_id, n.l2`;
    const texts: Readonly<Record<Page, string>> = { twelve: textOf(FIRST), fifty: textOf(50), nested: textOf(FIRST) };
    const ask: Ask = async (id, _share, page = 'twelve') => {
      const { rows } = await pool.query({ name: page, text: texts[page], values: [id] });
      const ids: string[] = rows.map((row) => row.id);
      if (page === 'nested') await pool.query({ name: 'of each', text: pagesOfEach, values: [ids] });
      return ids;
    };
    return { ask, pid: null, close: () => pool.end() };
  },
});

export const similiWay = (
  { url, products }: ServingCatalog,
  settings: Record<string, string> = {},
  what = 'similarItems',
): Way => ({
  what,
  products,
  open: (clients) =>
    overHttp(['dist/cli/main.js', 'serve'], clients, {
      DATABASE_URL: url,
      NODE_ENV: 'production',
      PORT: '0',
      SIMILI_QUERY_RATE: '0',
      SIMILI_QUERY_SECONDS: '60',
      SIMILI_DRAIN_SECONDS: '0',
      ...settings,
    }),
});

export const inMemoryWay = (products: number): Way => ({
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
  const pool = new Pool(url, { connections: clients, pipelining: 1 });
  const ask: Ask = async (id, share, page = 'twelve') => {
    const filter = share === null ? null : { categories: [categoryOf(share)] };
    const asked = JSON.stringify({ query: QUERIES[page], variables: { id, filter } });
    const { data, errors } = JSON.parse(await post(pool, asked)) as {
      data: { similarItems: { nodes: { id: string }[] } };
      errors?: { message: string }[];
    };
    if (errors?.[0]) throw new Error(errors[0].message);
    return data.similarItems.nodes.map((node) => node.id);
  };
  const close = async () => {
    await pool.close();
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    await dir.remove();
  };
  return { ask, pid: child.pid ?? null, close };
}
