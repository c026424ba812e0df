import pg from 'pg';
import { makeRandom } from '../learning/numbers/random.ts';
import { spacesOf } from '../src/db/models.ts';
import { openPostgres } from '../src/db/postgres.ts';
import { makeRepositories, type Repositories } from '../src/db/repositories.ts';
import { SearchRepository } from '../src/db/search/repository.ts';
import type { Storage } from '../src/db/session/storage.ts';
import type { VectorIndexKind } from '../src/db/vector-storage.ts';
import { freshPostgresDatabase } from '../test/support/services.ts';
import { exactTen, recallOfTen } from './asked-again.ts';
import type { Looks } from './generated-vectors.ts';
import { percentile } from './running.ts';
import { addProducts, addVectors, categoryOf, DIMENSIONS, idOf } from './serving-catalog.ts';

const KINDS = ['full', 'binary'] as const;
const FILTERS = [null, 0.2, 0.05, 0.01];
/** Products that are asked for, once before it is measured, and how many of these are compared with the exact ten nearest. */
const ASKED = 200;
const JUDGED = 60;
const PAGE = 12;

type Row = Record<string, string | number>;
type Catalog = { storage: Storage; client: pg.Client; products: number; looks: Looks };

/**
 * A binary index beside one of the vectors, of the same catalog in one run: what it takes to build and to keep, how many candidates were measured, and p50, p95 (ms) and recall@10 of pages
 * of twelve that are searched for, one client, without HTTP.
 * @param options.looks kinds of vectors: `clusters`, `smooth`
 */
export async function binary({ products, looks }: { products: number; looks: readonly string[] }): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: this is measured on a Postgres server with pgvector');
  const rows: Row[] = [];
  for (const kind of looks) {
    await using database = await freshPostgresDatabase(admin);
    const storage = await openPostgres(database.url);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      for await (const row of measured({ storage, client, products, looks: kind as Looks })) {
        rows.push({ looks: kind, products, ...row });
        process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
      }
    } finally {
      await client.end();
      await storage.close();
    }
  }
  return rows;
}

async function* measured(catalog: Catalog): AsyncGenerator<Row> {
  const { storage, client, products } = catalog;
  const repositories = makeRepositories(storage, 'default');
  await addProducts(client, products);
  const built = new Map<VectorIndexKind, string>();
  for (const index of KINDS) {
    const id = `mdl_${index}`;
    yield { index, ...(await build(catalog, repositories, id, index)) };
    built.set(index, id);
  }
  for (const share of FILTERS) {
    const exact = await exactOf(catalog, share);
    for (const [index, id] of built) {
      const { p50, p95, found } = await timed(storage, (await repositories.models.byId(id))!, products, share);
      yield { index, share: share ?? 'none', p50, p95, recall10: recallOfTen(found, exact) };
    }
  }
}

/** Makes a version, as a worker does behind its training. */
async function build(
  { storage, client, products, looks }: Catalog,
  repositories: Repositories,
  id: string,
  index: VectorIndexKind,
): Promise<Row> {
  const { embeddings, models, vectorStorage, categoryIndexes } = repositories;
  const data = {
    catalogId: 'default',
    id,
    kind: 'NETWORK' as const,
    dimensions: DIMENSIONS,
    checksum: '0'.repeat(64),
    artefact: new Uint8Array(),
  };
  const model = await storage.prisma.modelVersion.create({ data });
  const version = async () => (await models.byId(id))!;
  const space = async () => spacesOf(await version())[0]!;
  await embeddings.createTable(model.number, await space());
  await vectorStorage.commit(model, 'HALFVEC', 1, index);
  await addVectors(embeddings, model.number, await space(), { products, looks });
  const seconds = await secondsOf(async () => embeddings.createIndex(model.number, await space()));
  const measureSeconds = await secondsOf(async () =>
    vectorStorage.measureIndex(await version(), new AbortController().signal),
  );
  const categorySeconds = await secondsOf(async () => categoryIndexes.build(model.number, await space()));
  const { rows } = await client.query<{ index: number; categories: number }>(
    `SELECT pg_relation_size('simili.embedding_${model.number}_vec_idx')::float8 / 1048576 AS index,
       (SELECT coalesce(sum(pg_relation_size(indexrelid)), 0)::float8 / 1048576 FROM pg_index
        WHERE indrelid = to_regclass('simili.category_${model.number}') AND indpred IS NOT NULL) AS categories`,
  );
  const { candidates } = await version();
  return {
    candidates: candidates!,
    seconds,
    measureSeconds,
    indexMB: Math.round(rows[0]!.index),
    categorySeconds,
    categoriesMB: Math.round(rows[0]!.categories),
  };
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return Math.round((performance.now() - since) / 1000);
}

const anchorsOf = (products: number): string[] => {
  const random = makeRandom(7);
  return Array.from({ length: ASKED }, () => idOf(random.int(products)));
};

async function exactOf({ client, products }: Catalog, share: number | null): Promise<string[][]> {
  const exact: string[][] = [];
  for (const id of anchorsOf(products).slice(0, JUDGED))
    exact.push(await exactTen(client, { table: 'simili.embedding_1' }, id, share));
  return exact;
}

/** The second time that each is asked for. */
async function timed(
  storage: Storage,
  model: Parameters<typeof spacesOf>[0] & { number: number },
  products: number,
  share: number | null,
) {
  const search = new SearchRepository(storage.ask, 'default');
  const filter = share === null ? {} : { categories: [categoryOf(share)] };
  const version = { number: model.number, spaces: spacesOf(model) };
  const times: number[] = [];
  const found: string[][] = [];
  for (const round of ['first', 'again'])
    for (const id of anchorsOf(products)) {
      const since = performance.now();
      const [page] = await search.nearestOfEach(version, [id], filter, PAGE);
      if (round === 'first') continue;
      times.push(performance.now() - since);
      found.push(page!.neighbours.map(({ productId }) => productId));
    }
  const ms = (q: number) => Number(percentile(times, q).toFixed(2));
  return { p50: ms(0.5), p95: ms(0.95), found };
}
