import pg from 'pg';
import { makeRandom } from '../learning/numbers/random.ts';
import { shuffled } from '../learning/numbers/shuffled.ts';
import { freshPostgresDatabase } from '../test/support/services.ts';
import { generatedVectors } from './generated-vectors.ts';
import { openProduct } from './product.ts';
import { servedVectors } from './quality/fashion.ts';
import { percentile } from './running.ts';
import { DIMENSIONS } from './serving-catalog.ts';

/** As an index of one category is built (src/db/category-indexes.ts). */
const INDEX = 'hnsw (vec halfvec_l2_ops) WITH (m = 16, ef_construction = 200)';
/** Vectors that are looked for, and are not in the table: a category is asked for what looks like a product of another, too. */
const QUERIES = 200;
const CANDIDATES = [25, 50, 100, 200, 400, 750];
const ROWS_AT_ONCE = 250;
/** One in ten of a catalog in clusters of fifty: a category whose products say nothing of the look. */
const ONE_IN = 10;

type Row = Record<string, string | number>;
type Vectors = readonly Float32Array[];

/**
 * How many candidates an index of neighbours needs, by what its vectors are like: recall@10 and p50 of a query over `pg`, one client, beside ranking all.
 * @param options.looks kinds of vectors: `clusters`, `smooth`, or `fashion-mnist`, which are those of the first model (Debian's dataset-fashion-mnist has to be installed)
 */
export async function candidates({ products, looks }: { products: number; looks: readonly string[] }): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: this is measured on a Postgres server with pgvector');
  const rows: Row[] = [];
  for (const kind of looks) {
    const vectors = await vectorsOf(kind, products + QUERIES);
    await using database = await freshPostgresDatabase(admin);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      for await (const row of measured(client, vectors)) {
        rows.push({ looks: kind, products, ...row });
        process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
      }
    } finally {
      await client.end();
    }
  }
  return rows;
}

async function vectorsOf(looks: string, count: number): Promise<Vectors> {
  if (looks === 'clusters' || looks === 'smooth') {
    const next = generatedVectors({ looks, dimensions: DIMENSIONS, products: count * ONE_IN, seed: 1 });
    return Array.from({ length: count }, next);
  }
  if (looks !== 'fashion-mnist') throw new Error(`${looks} is no kind of vectors: clusters, smooth or fashion-mnist`);
  const product = await openProduct();
  try {
    const vectors = await servedVectors(product, count);
    if (!vectors) throw new Error("Debian's dataset-fashion-mnist is not installed");
    return shuffled(vectors, makeRandom(1));
  } finally {
    await product.close();
  }
}

async function* measured(client: pg.Client, vectors: Vectors): AsyncGenerator<Row> {
  const [queries, stored] = [vectors.slice(0, QUERIES).map(textOf), vectors.slice(QUERIES)];
  await client.query('CREATE EXTENSION IF NOT EXISTS vector');
  await client.query(`CREATE TABLE item (id int, vec halfvec(${vectors[0]!.length}))`);
  await client.query('ALTER TABLE item ALTER vec SET STORAGE PLAIN');
  for (let from = 0; from < stored.length; from += ROWS_AT_ONCE) {
    const some = stored.slice(from, from + ROWS_AT_ONCE).map((vector, i) => `(${from + i},'${textOf(vector)}')`);
    await client.query(`INSERT INTO item VALUES ${some.join()}`);
  }
  const exact = await asked(client, queries, '+ 0');
  yield { candidates: 'all', recall10: 1, p50: exact.p50 };
  await client.query(`SET maintenance_work_mem = '1GB'`);
  await client.query(`CREATE INDEX ON item USING ${INDEX}`);
  await client.query('SET enable_seqscan = off');
  for (const count of CANDIDATES) {
    await client.query(`SET hnsw.ef_search = ${count}`);
    const { lists, p50 } = await asked(client, queries, '');
    const right = lists.map((list, i) => list.filter((id) => exact.lists[i]!.includes(id)).length);
    const recall = right.reduce((sum, n) => sum + n, 0) / (10 * QUERIES);
    yield { candidates: count, recall10: Number(recall.toFixed(4)), p50 };
  }
}

const textOf = (vector: Float32Array): string => `[${vector.join()}]`;

/** @param plus behind the distance: what is not the index' own order is ranked one by one */
async function asked(client: pg.Client, queries: readonly string[], plus: string) {
  const times: number[] = [];
  const lists: number[][] = [];
  for (const query of queries) {
    const since = performance.now();
    const { rows } = await client.query<{ id: number }>(
      `SELECT id FROM item ORDER BY (vec <-> $1::text::halfvec) ${plus} LIMIT 10`,
      [query],
    );
    times.push(performance.now() - since);
    lists.push(rows.map(({ id }) => id));
  }
  return { lists, p50: Number(percentile(times, 0.5).toFixed(1)) };
}
