import { createHash } from 'node:crypto';
import pg from 'pg';
import type { EmbeddingRepository } from '../src/db/embeddings.ts';
import { effortsOn } from '../src/db/indexes/build-index.ts';
import { openPostgres } from '../src/db/postgres.ts';
import { makeRepositories } from '../src/db/repositories.ts';
import type { Storage } from '../src/db/session/storage.ts';
import { pictureSpace, type VersionSpace } from '../src/ports/space.ts';
import { type FreshPostgres, freshPostgresDatabase } from '../test/support/services.ts';
import { generatedVectors, type Looks } from './generated-vectors.ts';
import { keptDatabase } from './kept-database.ts';

/** As long as the default served vector without a second encoder was when the first figures were taken. */
export const DIMENSIONS = 336;
const PAGE = 1000;
const PAGE_OF_PRODUCTS = 100_000;

export type ServingCatalog = FreshPostgres & {
  /** Table of the version that serves. */
  table: string;
  products: number;
  index: IndexFacts;
};

/** `memoryMB`: what it may be built with; `candidates`: as they were measured; the others: what lies on the disk. */
export type IndexFacts = {
  candidates: number;
  seconds: number;
  memoryMB: number;
  tableMB: number;
  indexMB: number;
  /** Indexes of large categories alone, with their copies of vectors. */
  categorySeconds: number;
  categoriesMB: number;
};

/** Category of every n-th product: what passes is that share of the catalog. */
export const categoryOf = (share: number): string => (share === 0 ? 'none' : `every-${Math.round(1 / share)}`);
export const SHARES = [1, 0.2, 0.1, 0.05, 0.01, 0.001, 0.0001, 0];

/**
 * A database of its own on the server of `admin`, with products of one picture each, their vectors, and a version that serves.
 * @param keep beginning of the name of a database that stays, and is measured as it is where it is there; '': it is dropped
 */
export async function servingCatalog(admin: string, products: number, keep: string): Promise<ServingCatalog> {
  const database = keep ? await keptCatalog(admin, `${keep}_${products}`) : await freshPostgresDatabase(admin);
  const { url } = database;
  const storage = await openPostgres(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { table, ...took } = (await filledBefore(client)) ?? (await fillCatalog(storage, client, products));
    await client.query(
      'CREATE TABLE IF NOT EXISTS bench_index AS SELECT $1::text AS "table", $2::int AS seconds, $3::int AS "categorySeconds"',
      [table, took.seconds, took.categorySeconds],
    );
    return { ...database, products, table, index: { ...took, ...(await sizes(client, table)) } };
  } finally {
    await client.end();
    await storage.close();
  }
}

async function keptCatalog(admin: string, name: string): Promise<FreshPostgres> {
  const { url } = await keptDatabase(admin, name);
  return { url, [Symbol.asyncDispose]: async () => {} };
}

type Filled = { table: string } & Pick<IndexFacts, 'seconds' | 'categorySeconds'>;

/** The catalog that a run before this one has filled to the end; null: none has begun. @throws Error where it was ended on the way */
async function filledBefore(client: pg.Client): Promise<Filled | null> {
  const ended = await client.query<{ is: boolean }>(`SELECT to_regclass('bench_index') IS NOT NULL AS is`);
  if (ended.rows[0]!.is) return (await client.query<Filled>('SELECT * FROM bench_index')).rows[0]!;
  const begun = await client.query('SELECT FROM simili.product LIMIT 1');
  if (begun.rowCount !== 0) throw new Error('This kept database was filled in part only: drop it');
  return null;
}

type Database = { query(sql: string, values?: unknown[]): Promise<unknown> };

async function sizes(client: pg.Client, table: string): Promise<Omit<IndexFacts, 'seconds' | 'categorySeconds'>> {
  const query = async <Row>(sql: string, values: unknown[] = []) => (await client.query(sql, values)).rows as Row[];
  const [effort] = await effortsOn(query, table);
  const [size] = await query<{ table: number; index: number; categories: number }>(
    `SELECT pg_table_size($1)::float8 AS table, pg_relation_size($1 || '_vec_idx')::float8 AS index,
       coalesce(pg_total_relation_size(to_regclass(replace($1::regclass::text, 'embedding', 'category'))), 0)::float8 AS categories`,
    [table],
  );
  const [version] = await query<{ candidates: number | null }>('SELECT candidates FROM simili.model_version');
  const inMB = (bytes: number) => Math.round(bytes / 2 ** 20);
  return {
    candidates: version!.candidates ?? 0,
    memoryMB: inMB(effort!.memory),
    tableMB: inMB(size!.table),
    indexMB: inMB(size!.index),
    categoriesMB: inMB(size!.categories),
  };
}

/**
 * Products of one picture each, their vectors, and a version that serves, in an empty database, in memory that does not grow with the products. Vectors
 * are stored as those of a new version are.
 * @returns the table of vectors, and seconds that the index took, and those of large categories
 */
export async function fillCatalog(storage: Storage, client: Database, products: number): Promise<Filled> {
  const { embeddings, categoryIndexes, vectorStorage } = makeRepositories(storage, 'default');
  const isOfHalves = storage.kind === 'postgres';
  const space = pictureSpace(DIMENSIONS, isOfHalves ? 'halfvec' : 'vector');
  const model = await storage.prisma.modelVersion.create({
    data: {
      catalogId: 'default',
      id: 'mdl_bench',
      kind: 'NETWORK', // so that no worker trains a first one
      state: 'EMBEDDING',
      dimensions: DIMENSIONS,
      storage: isOfHalves ? 'HALFVEC' : 'VECTOR',
      checksum: '0'.repeat(64),
      artefact: new Uint8Array(),
    },
  });
  await addProducts(client, products);
  await embeddings.createTable(model.number, space); // behind the products: a database that indexes first asks how many there are
  await addVectors(embeddings, model.number, space, { products, looks: 'clusters' });
  const since = performance.now();
  await embeddings.createIndex(model.number, space);
  const indexed = performance.now();
  if (isOfHalves) await vectorStorage.measureIndex(model, new AbortController().signal);
  const measured = performance.now();
  await categoryIndexes.build(model.number, space);
  const [seconds, categorySeconds] = [indexed - since, performance.now() - measured].map((ms) => Math.round(ms / 1000));
  await client.query('TRUNCATE simili.vector_queue'); // all have their vectors
  await client.query(`UPDATE simili.model_version SET state = 'ACTIVE'`);
  await client.query(`INSERT INTO simili.serving VALUES ('default', 'active', 'mdl_bench', 1)`);
  return { table: `simili.embedding_${model.number}`, seconds: seconds!, categorySeconds: categorySeconds! };
}

const idSql = `'p' || lpad(i::text, 8, '0')`;
export const idOf = (i: number): string => `p${String(i).padStart(8, '0')}`;

/** Products of one picture each, and of the categories of SHARES. */
export async function addProducts(client: Database, products: number): Promise<void> {
  for (let from = 0; from < products; from += PAGE_OF_PRODUCTS)
    await addSome(client, from, Math.min(products, from + PAGE_OF_PRODUCTS));
  await client.query('ANALYZE simili.product, simili.product_image');
}

/** Those from `from` up to the one before `to`. */
async function addSome(client: Database, from: number, to: number): Promise<void> {
  const categories = SHARES.filter((share) => share > 0).map((share) => {
    const every = Math.round(1 / share);
    return `CASE WHEN i % ${every} = 0 THEN '${categoryOf(share)}' END`;
  });
  await client.query(`
    INSERT INTO simili.product (catalog_id, id, title, categories, tags, price, currency, fingerprint)
    SELECT 'default', ${idSql}, 'Product ' || i, array_remove(ARRAY[${categories}], NULL), '{}', (i::bigint * 7919 % 100000) / 100.0, 'EUR', md5(i::text)
    FROM generate_series(${from}, ${to - 1}) AS i`);
  await client.query(`
    INSERT INTO simili.product_image (catalog_id, id, product_id, position, source, content_hash, state, mime, width, height)
    SELECT 'default', 'img' || i, ${idSql}, 0, 'https://pictures.invalid/' || i || '.jpg', md5(i::text), 'READY', 'image/jpeg', 400, 400
    FROM generate_series(${from}, ${to - 1}) AS i`);
}

export async function addVectors(
  embeddings: EmbeddingRepository,
  model: number,
  space: VersionSpace,
  { products, looks }: { products: number; looks: Looks },
): Promise<void> {
  const vector = generatedVectors({ looks, dimensions: DIMENSIONS, products, seed: 1 });
  for (let from = 0; from < products; from += PAGE) {
    const rows = Array.from({ length: Math.min(PAGE, products - from) }, (_, i) => ({
      productId: idOf(from + i),
      contentHash: hashOf(from + i),
      vector: vector(),
    }));
    await embeddings.upsert(model, rows, space);
  }
}

/** As Postgres says md5(i::text), the content of a product's picture. */
const hashOf = (i: number): string => createHash('md5').update(String(i)).digest('hex');
