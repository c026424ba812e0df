import pg from 'pg';
import { fromHalf, toHalf } from '../learning/numbers/half.ts';
import { makeRandom } from '../learning/numbers/random.ts';
import type { Vector } from '../src/db/embeddings.ts';
import { openPostgres } from '../src/db/postgres.ts';
import { makeRepositories } from '../src/db/repositories.ts';
import { pictureSpace } from '../src/ports/space.ts';

export const DIMENSIONS = 96;
/** Products that look alike; clusters are nearly all alike far from each other. */
export const A_CLUSTER = 20;
const SPREAD = 0.7;
const CLUSTERS_OF_A_DEPARTMENT = 25;
const BRANDS = 500;
export const SIZES = ['xs', 's', 'm', 'l', 'xl'];
/** A category, or a tag, of a share of the products, whatever they look like. */
export const SHARES = [1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001, 0.0003, 0.0001];
const PAGE = 2000;

/** A catalog in memory, from which another one is written into the database, and what is right is told without it. */
export type FilteredCatalog = {
  readonly products: number;
  /** `products` rows of about unit length, each number one of float16, as the database has them. */
  readonly vectors: Float32Array;
  /** Cents; NaN: none. */
  readonly prices: Float64Array;
  readonly available: Uint8Array;
  /** Grams, the attribute `weight`; NaN: none. */
  readonly weights: Float64Array;
  /** Products by the category, and by the tag, that they have. */
  readonly categories: ReadonlyMap<string, readonly number[]>;
  readonly tags: ReadonlyMap<string, readonly number[]>;
};

export const idOf = (i: number): string => `p${String(i).padStart(7, '0')}`;
export const indexOf = (id: string): number => Number(id.slice(1));

/**
 * Products in clusters. Departments are of the look: a filter by one is far from most anchors. All else says nothing of the look: brands (few large, many
 * small), sizes, categories and tags of one share each, prices (one in twenty has none), weights (one in ten), and what is sold out (one in five).
 */
export function filteredCatalog(products: number, seed: number): FilteredCatalog {
  const random = makeRandom(seed);
  const clusters = Math.ceil(products / A_CLUSTER);
  const centres = Array.from({ length: clusters }, () => Array.from({ length: DIMENSIONS }, () => random.gaussian()));
  const catalog = {
    products,
    vectors: new Float32Array(products * DIMENSIONS),
    prices: new Float64Array(products),
    available: new Uint8Array(products),
    weights: new Float64Array(products),
    categories: new Map<string, number[]>(),
    tags: new Map<string, number[]>(),
  };
  const add = (to: Map<string, number[]>, name: string, i: number) => {
    const own = to.get(name);
    if (own) own.push(i);
    else to.set(name, [i]);
  };
  for (let i = 0; i < products; i++) {
    const cluster = Math.floor(i / A_CLUSTER);
    const vector = centres[cluster]!.map((x) => x + SPREAD * random.gaussian());
    const length = Math.hypot(...vector);
    catalog.vectors.set(fromHalf(toHalf(vector.map((x) => x / length))), i * DIMENSIONS);
    catalog.prices[i] = random.int(20) === 0 ? Number.NaN : Math.round(2000 * Math.exp(random.gaussian()));
    catalog.available[i] = Number(random.int(5) > 0);
    catalog.weights[i] = random.int(10) === 0 ? Number.NaN : Math.round(50_000 * Math.exp(random.gaussian())) / 100;
    add(catalog.categories, `department-${Math.floor(cluster / CLUSTERS_OF_A_DEPARTMENT)}`, i);
    for (const share of SHARES) if (random.next() < share) add(catalog.categories, `share-${share}`, i);
    for (const share of SHARES) if (random.next() < share / 2) add(catalog.tags, `label-${share}`, i);
    add(catalog.tags, `brand:b${Math.floor(BRANDS * random.next() ** 3)}`, i);
    add(catalog.tags, `size:${SIZES[random.int(SIZES.length)]}`, i);
  }
  return catalog;
}

/** Writes it into an empty database, with a version that serves its vectors. @returns seconds that the indexes took */
export async function write(catalog: FilteredCatalog, url: string): Promise<number> {
  const storage = await openPostgres(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { embeddings, categoryIndexes } = makeRepositories(storage, 'default');
    const data = {
      catalogId: 'default',
      id: 'mdl_bench',
      kind: 'GOLDEN' as const,
      state: 'ACTIVE' as const,
      storage: 'HALFVEC' as const,
      dimensions: DIMENSIONS,
      checksum: '0'.repeat(64),
      artefact: new Uint8Array(),
    };
    const { number } = await storage.prisma.modelVersion.create({ data });
    const space = pictureSpace(DIMENSIONS, 'halfvec');
    await embeddings.createTable(number, space);
    await writeRows(catalog, client, (vectors) => embeddings.upsert(number, vectors, space));
    await client.query('ANALYZE simili.product, simili.product_number');
    const since = performance.now();
    await embeddings.createIndex(number, space);
    await categoryIndexes.build(number, space);
    await client.query(`INSERT INTO simili.serving VALUES ('default', 'active', 'mdl_bench', 1)`);
    return (performance.now() - since) / 1000;
  } finally {
    await client.end();
    await storage.close();
  }
}

async function writeRows(
  catalog: FilteredCatalog,
  client: pg.Client,
  upsert: (vectors: Vector[]) => Promise<void>,
): Promise<void> {
  const namesOf = (lists: ReadonlyMap<string, readonly number[]>) => {
    const own = Array.from({ length: catalog.products }, (): string[] => []);
    for (const [name, members] of lists) for (const i of members) own[i]!.push(name);
    return own;
  };
  const [categories, tags] = [namesOf(catalog.categories), namesOf(catalog.tags)];
  for (const [i, grams] of catalog.weights.entries()) if (!Number.isNaN(grams)) tags[i]!.push(`weight:${grams}`);
  for (let from = 0; from < catalog.products; from += PAGE) {
    const own = Array.from({ length: Math.min(PAGE, catalog.products - from) }, (_, k) => from + k);
    const price = (i: number) => (Number.isNaN(catalog.prices[i]) ? null : (catalog.prices[i]! / 100).toFixed(2));
    const vector = (i: number) => catalog.vectors.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS);
    const columns = [
      own.map(idOf),
      own.map((i) => categories[i]!.join('|')),
      own.map((i) => tags[i]!.join('|')),
      own.map(price),
      own.map((i) => catalog.available[i] === 1),
    ];
    await client.query(
      `INSERT INTO simili.product (catalog_id, id, title, categories, tags, price, currency, available, fingerprint)
       SELECT 'default', id, id, string_to_array(categories, '|'), string_to_array(tags, '|'), price, 'EUR', available, md5(id)
       FROM unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::boolean[]) AS p (id, categories, tags, price, available)`,
      columns,
    );
    await upsert(own.map((i) => ({ productId: idOf(i), contentHash: 'bench', vector: vector(i) })));
  }
}
