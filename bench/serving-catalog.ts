import pg from 'pg';
import { makeRandom } from '../learning/numbers/random.ts';
import { openPostgres } from '../src/db/postgres.ts';
import { makeRepositories } from '../src/db/repositories.ts';
import type { Storage } from '../src/db/storage.ts';
import { pictureSpace } from '../src/ports/space.ts';
import { type FreshPostgres, freshPostgresDatabase } from '../test/support/services.ts';

/** As long as the default served vector without a second encoder was when the first figures were taken. */
export const DIMENSIONS = 336;
/** Clusters, so that there are near and far ones, as in a shop. */
const PRODUCTS_A_CLUSTER = 50;
const SPREAD = 0.7;
const PAGE = 1000;

export type ServingCatalog = FreshPostgres & {
  /** Table of the version that serves. */
  table: string;
  products: number;
  indexSeconds: number;
};

/** Category of every n-th product: what passes is that share of the catalog. */
export const categoryOf = (share: number): string => (share === 0 ? 'none' : `every-${Math.round(1 / share)}`);
export const SHARES = [1, 0.2, 0.1, 0.05, 0.01, 0.001, 0.0001, 0];

/** A database of its own on the server of `admin`, with products of one picture each, their vectors, and a version that serves. */
export async function servingCatalog(admin: string, products: number): Promise<ServingCatalog> {
  const database = await freshPostgresDatabase(admin);
  const { url } = database;
  const storage = await openPostgres(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return { ...database, products, ...(await fillCatalog(storage, client, products)) };
  } finally {
    await client.end();
    await storage.close();
  }
}

type Database = { query(sql: string, values?: unknown[]): Promise<unknown> };

/** Products of one picture each, their vectors, and a version that serves, in an empty database. */
export async function fillCatalog(storage: Storage, client: Database, products: number) {
  const { embeddings } = makeRepositories(storage, 'default');
  const model = await storage.prisma.modelVersion.create({
    data: {
      catalogId: 'default',
      id: 'mdl_bench',
      kind: 'NETWORK', // so that no worker trains a first one
      state: 'ACTIVE',
      dimensions: DIMENSIONS,
      checksum: '0'.repeat(64),
      artefact: new Uint8Array(),
    },
  });
  await embeddings.createTable(model.number, pictureSpace(DIMENSIONS));
  const table = `simili.embedding_${model.number}`;
  await addProducts(client, products);
  await addVectors(client, table, products);
  await client.query('ANALYZE simili.product, simili.product_image');
  const since = performance.now();
  await embeddings.createIndex(model.number, pictureSpace(DIMENSIONS));
  const indexSeconds = (performance.now() - since) / 1000;
  await client.query('DELETE FROM simili.vector_queue'); // all have their vectors
  await client.query(`INSERT INTO simili.serving VALUES ('default', 'active', 'mdl_bench', 1)`);
  return { table, indexSeconds };
}

const idSql = `'p' || lpad(i::text, 8, '0')`;
export const idOf = (i: number): string => `p${String(i).padStart(8, '0')}`;

async function addProducts(client: Database, products: number): Promise<void> {
  const categories = SHARES.filter((share) => share > 0).map((share) => {
    const every = Math.round(1 / share);
    return `CASE WHEN i % ${every} = 0 THEN '${categoryOf(share)}' END`;
  });
  await client.query(`
    INSERT INTO simili.product (catalog_id, id, title, categories, tags, price, currency, fingerprint)
    SELECT 'default', ${idSql}, 'Product ' || i, array_remove(ARRAY[${categories}], NULL), '{}', (i * 7919 % 100000) / 100.0, 'EUR', md5(i::text)
    FROM generate_series(0, ${products - 1}) AS i`);
  await client.query(`
    INSERT INTO simili.product_image (catalog_id, id, product_id, position, source, content_hash, state, mime, width, height)
    SELECT 'default', 'img' || i, ${idSql}, 0, 'https://pictures.invalid/' || i || '.jpg', md5(i::text), 'READY', 'image/jpeg', 400, 400
    FROM generate_series(0, ${products - 1}) AS i`);
}

async function addVectors(client: Database, table: string, products: number): Promise<void> {
  const random = makeRandom(1);
  const row = () => Float32Array.from({ length: DIMENSIONS }, () => random.gaussian());
  const centres = Array.from({ length: Math.ceil(products / PRODUCTS_A_CLUSTER) }, row);
  for (let from = 0; from < products; from += PAGE) {
    const ids = Array.from({ length: Math.min(PAGE, products - from) }, (_, i) => idOf(from + i));
    const vectors = ids.map(() => {
      const vector = centres[random.int(centres.length)]!.map((x) => x + SPREAD * random.gaussian());
      const length = Math.hypot(...vector);
      return `[${Array.from(vector, (x) => (x / length).toFixed(5)).join()}]`;
    });
    await client.query(
      `INSERT INTO ${table} SELECT id, md5(substr(id, 2)::int::text), vec::vector FROM unnest($1::text[], $2::text[]) AS v (id, vec)`,
      [ids, vectors],
    );
  }
}
