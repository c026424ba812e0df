import { createRequire } from 'node:module';
import { join } from 'node:path';
import pg from 'pg';
import { temporaryDir } from './running.ts';
import { DIMENSIONS, idOf, type ServingCatalog } from './serving-catalog.ts';
import { FIRST, type Way } from './serving-ways.ts';

/** The graph of the product's index, and how far a search looks: pgvector's `m`, `ef_construction` and `ef_search`. */
const GRAPH = { m: 16, construction: 64, search: 100 };
const PAGE = 5000;

/** As much of usearch 2.26 as is used here. */
type Usearch = {
  Index: new (
    config: object,
  ) => {
    add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
    search(vector: Float32Array, k: number, threads: number): { keys: BigUint64Array };
  };
};

/** As much of LanceDB 0.39 as is used here. */
type Lance = {
  connect(folder: string): Promise<{
    createTable(name: string, rows: object[]): Promise<LanceTable>;
  }>;
  Index: { hnswSq(options: object): object };
};
type LanceTable = {
  add(rows: object[]): Promise<unknown>;
  createIndex(column: string, options: object): Promise<void>;
  search(vector: Float32Array): LanceQuery;
};
type LanceQuery = {
  distanceType(type: 'l2'): LanceQuery;
  ef(value: number): LanceQuery;
  select(columns: string[]): LanceQuery;
  limit(n: number): LanceQuery;
  toArray(): Promise<{ id: number }[]>;
};

export type Yardstick = { way: Way; indexSeconds: number; close(): Promise<void> };

/**
 * Libraries that hold the same vectors in the memory or on the disk of the process that asks, with the same graph: no server, no network, no
 * SQL, no product's columns. They say how much of an answer's time is the search itself.
 * @param folder where scripts/yardsticks.sh has put them
 */
export async function yardsticks(catalog: ServingCatalog, folder: string): Promise<Yardstick[]> {
  const load = createRequire(join(folder, 'package.json'));
  const vectors = await vectorsOf(catalog);
  return [
    await ofUsearch(load('usearch') as Usearch, vectors),
    await ofLance(load('@lancedb/lancedb') as Lance, vectors),
  ];
}

/** All vectors, float32: that of product i begins at i x DIMENSIONS. */
async function vectorsOf({ url, table, products }: ServingCatalog): Promise<Float32Array> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const all = new Float32Array(products * DIMENSIONS);
  try {
    for (let from = 0; from < products; from += PAGE) {
      const { rows } = await client.query<{ id: string; vec: string }>(
        `SELECT product_id AS id, vec::text AS vec FROM ${table} WHERE product_id >= $1 AND product_id < $2`,
        [idOf(from), idOf(from + PAGE)],
      );
      for (const { id, vec } of rows) all.set(JSON.parse(vec) as number[], placeOf(id) * DIMENSIONS);
    }
    return all;
  } finally {
    await client.end();
  }
}

const placeOf = (id: string): number => Number(id.slice(1));
const rowOf = (vectors: Float32Array, i: number) => vectors.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS);

/** A page of the anchor's neighbours, of what a search for one more than that finds: the anchor itself is among them. */
const pageOf = (anchor: string, found: readonly number[]): string[] =>
  found
    .map(idOf)
    .filter((id) => id !== anchor)
    .slice(0, FIRST);

async function ofUsearch({ Index }: Usearch, vectors: Float32Array): Promise<Yardstick> {
  const index = new Index({
    metric: 'l2sq',
    quantization: 'f16',
    dimensions: DIMENSIONS,
    connectivity: GRAPH.m,
    expansion_add: GRAPH.construction,
    expansion_search: GRAPH.search,
  });
  const since = performance.now();
  const keys = BigUint64Array.from({ length: vectors.length / DIMENSIONS }, (_, i) => BigInt(i));
  index.add(keys, vectors, 0);
  const ask = async (anchor: string) => {
    const found = index.search(rowOf(vectors, placeOf(anchor)), FIRST + 1, 1);
    return pageOf(anchor, Array.from(found.keys, Number));
  };
  return yardstick('usearch, in process', vectors.length / DIMENSIONS, since, ask, async () => {});
}

async function ofLance({ connect, Index }: Lance, vectors: Float32Array): Promise<Yardstick> {
  const dir = await temporaryDir();
  const database = await connect(dir.path);
  const since = performance.now();
  const rows = (from: number) =>
    Array.from({ length: Math.min(PAGE, vectors.length / DIMENSIONS - from) }, (_, i) => ({
      id: from + i,
      vector: Array.from(rowOf(vectors, from + i)),
    }));
  const table = await database.createTable('products', rows(0));
  for (let from = PAGE; from * DIMENSIONS < vectors.length; from += PAGE) await table.add(rows(from));
  const graph = { distanceType: 'l2', numPartitions: 1, m: GRAPH.m, efConstruction: GRAPH.construction };
  await table.createIndex('vector', { config: Index.hnswSq(graph), waitTimeoutSeconds: 3600 });
  const ask = async (anchor: string) => {
    const query = table
      .search(rowOf(vectors, placeOf(anchor)))
      .distanceType('l2')
      .ef(GRAPH.search);
    const found = await query
      .select(['id', '_distance'])
      .limit(FIRST + 1)
      .toArray();
    return pageOf(
      anchor,
      found.map(({ id }) => id),
    );
  };
  return yardstick('LanceDB (8 bits a number), in process', vectors.length / DIMENSIONS, since, ask, dir.remove);
}

const yardstick = (
  what: string,
  products: number,
  since: number,
  ask: (anchor: string) => Promise<string[]>,
  close: () => Promise<void>,
): Yardstick => ({
  way: { what, products, open: async () => ({ ask, pid: null, close: async () => {} }) },
  indexSeconds: Math.round((performance.now() - since) / 1000),
  close,
});
