import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import { vectorText } from './vector-text.ts';

/**
 * `distance`: squared Euclidean between unit vectors. 0 same, 2 orthogonal, 4 opposite. `l2`: its root, exactly as the
 * database ranked by it (squaring would make two distances one).
 */
export type Neighbour = { productId: string; distance: number; l2: number };
/** A place in a ranking: behind this product, which may be deleted by now. */
export type Behind = Pick<Neighbour, 'productId' | 'l2'>;
export type Vector = { productId: string; contentHash: string; vector: Float32Array };

/** Hard constraints of a search. Left out: no constraint. */
export type SearchFilter = {
  available?: boolean;
  /** Any of these, at any level. */
  categories?: readonly string[];
  /** Exact decimals, inclusive. */
  minPrice?: string;
  maxPrice?: string;
  excludeIds?: readonly string[];
};

/**
 * Candidates of one round of the index scan: recall is bought here, latency paid (pgvector's default is 40). The same for
 * every page: another number would be another scan, and pages of two scans may repeat or lose a product. Deeper pages take
 * more rounds (iterative scan).
 */
const EF_SEARCH = '100';
/** Products at equal distance that are ranked together: tried in this order, as most pages see few. */
const TIES = [50, 1000];

/**
 * All SQL on vectors: one table per model version, named by its number, with its own HNSW index, so that a version is
 * retired by DROP and a live index is never vacuumed of another version's rows.
 */
export class EmbeddingRepository {
  constructor(private readonly db: PrismaClient) {}

  /** Makes the table of a version, without its index: rows are loaded first. Safe to repeat. */
  async createTable(model: number, dimensions: number): Promise<void> {
    await this.db.$executeRawUnsafe(`
      CREATE TABLE IF NOT EXISTS ${table(model)} (
        product_id   TEXT PRIMARY KEY REFERENCES simili.product (id) ON DELETE CASCADE ON UPDATE CASCADE,
        content_hash TEXT NOT NULL,
        vec          vector(${dimensions}) NOT NULL
      )`);
  }

  /** Builds the search index (squared Euclidean and cosine rank unit vectors alike). Safe to repeat. */
  async createIndex(model: number): Promise<void> {
    await this.db.$executeRawUnsafe(
      `CREATE INDEX IF NOT EXISTS embedding_${model}_vec_idx ON ${table(model)} USING hnsw (vec vector_l2_ops)`,
    );
    await this.db.$executeRawUnsafe(`ANALYZE ${table(model)}`);
  }

  async dropTable(model: number): Promise<void> {
    await this.db.$executeRawUnsafe(`DROP TABLE IF EXISTS ${table(model)}`);
  }

  /** Overwrites by product; a product deleted in the meantime is left out. */
  async upsert(model: number, rows: readonly Vector[]): Promise<void> {
    if (rows.length === 0) return;
    const [ids, hashes] = [rows.map(({ productId }) => productId), rows.map(({ contentHash }) => contentHash)];
    const vectors = rows.map(({ vector }) => vectorText(vector)).join(';');
    await this.db.$executeRaw`
      INSERT INTO ${tableSql(model)} (product_id, content_hash, vec)
      SELECT v.id, v.hash, v.vec::vector
      FROM unnest(${ids}::text[], ${hashes}::text[], string_to_array(${vectors}, ';')) AS v (id, hash, vec)
      WHERE EXISTS (SELECT FROM simili.product p WHERE p.id = v.id FOR KEY SHARE)
      ON CONFLICT (product_id) DO UPDATE SET content_hash = excluded.content_hash, vec = excluded.vec`;
  }

  async count(model: number): Promise<number> {
    const [row] = await this.db.$queryRaw<{ n: bigint }[]>`SELECT count(*) AS n FROM ${tableSql(model)}`;
    return Number(row?.n ?? 0);
  }

  /**
   * Products with a decoded first picture whose vector is missing or of an older picture, in id order. The place is said of
   * both tables: an outer join does not carry it over, and each page would read all vectors before it.
   * @param after only those behind this id; null: from the start.
   */
  missing(
    model: number,
    limit: number,
    after: string | null = null,
  ): Promise<{ productId: string; source: string; contentHash: string }[]> {
    return this.db.$queryRaw`
      SELECT i.product_id AS "productId", i.source, i.content_hash AS "contentHash"
      FROM simili.product_image i
        LEFT JOIN ${tableSql(model)} e ON e.product_id = i.product_id AND e.product_id > ${after ?? ''}
      WHERE i.state = 'READY' AND i.position = 0 AND (e.content_hash IS NULL OR e.content_hash <> i.content_hash)
        AND i.product_id > ${after ?? ''}
      ORDER BY i.product_id LIMIT ${limit}`;
  }

  async countMissing(model: number): Promise<number> {
    const [row] = await this.db.$queryRaw<{ n: bigint }[]>`
      SELECT count(*) AS n
      FROM simili.product_image i LEFT JOIN ${tableSql(model)} e ON e.product_id = i.product_id
      WHERE i.state = 'READY' AND i.position = 0 AND (e.content_hash IS NULL OR e.content_hash <> i.content_hash)`;
    return Number(row?.n ?? 0);
  }

  async has(model: number, productId: string): Promise<boolean> {
    const rows = await this.db.$queryRaw<unknown[]>`SELECT 1 FROM ${tableSql(model)} WHERE product_id = ${productId}`;
    return rows.length > 0;
  }

  /** Vectors of the given products, as [length] float32. Missing ones are left out. */
  async vectors(model: number, productIds: readonly string[]): Promise<Map<string, Float32Array>> {
    const rows = await this.db.$queryRaw<{ productId: string; vec: string }[]>`
      SELECT product_id AS "productId", vec::text AS vec FROM ${tableSql(model)} WHERE product_id = ANY(${[...productIds]})`;
    return new Map(rows.map((row) => [row.productId, Float32Array.from(JSON.parse(row.vec) as number[])]));
  }

  /**
   * Ranks the `limit` products nearest to `productId`, best first, itself left out; of equal distances the lower id.
   * Filters hold inside the search. The index is asked first; when it returns a short page, or cuts a group of equal
   * distances, the exact scan has the last word: a page is short only when no more products pass.
   * @param behind only what ranks after this place: what is deleted or added before it moves nothing.
   */
  async nearest(
    model: number,
    productId: string,
    filter: SearchFilter,
    limit: number,
    behind: Behind | null = null,
  ): Promise<Neighbour[]> {
    const search = { model, productId, filter, limit, behind };
    for (const ties of TIES) {
      const found = await this.search(search, ties);
      if (found.length < limit) break;
      // The farthest product that was looked at is at the distance of the last one shown: others may tie with it, unseen.
      const isCut = found.at(-1)?.looked === limit + ties && found.at(-1)?.l2 === found.at(-1)?.farthest;
      if (!isCut) return found.map(toNeighbour);
    }
    return (await this.search(search, null)).map(toNeighbour);
  }

  /** `ties`: by the index, looking that much farther than the page; null: exact. */
  private async search(search: Search, ties: number | null): Promise<Found[]> {
    const settings =
      ties === null
        ? Prisma.sql`SELECT set_config('enable_indexscan', 'off', true)`
        : Prisma.sql`SELECT set_config('hnsw.ef_search', ${EF_SEARCH}, true),
                            set_config('hnsw.iterative_scan', 'strict_order', true)`;
    // One transaction is one session: set_config(..., true) ends with it.
    const [, rows] = await this.db.$transaction([
      this.db.$queryRaw(settings),
      this.db.$queryRaw<Found[]>(searchSql(search, ties)),
    ]);
    return rows;
  }
}

type Search = { model: number; productId: string; filter: SearchFilter; limit: number; behind: Behind | null };
/** `looked`: products that the inner query fetched; `farthest`: the greatest distance among them. */
type Found = Behind & { looked?: number; farthest?: number };
const LOOKED = Prisma.sql`, count(*) OVER ()::int AS looked, max(l2) OVER () AS farthest`;

const toNeighbour = ({ productId, l2 }: Found): Neighbour => ({ productId, l2, distance: l2 ** 2 });

/**
 * A scalar subquery for the anchor's vector: with a JOIN the planner would read the whole table. Equal distances (the same
 * picture twice) rank by id, so that pages neither repeat nor lose a product: the inner query fetches `ties` more, to see
 * such a group whole, as Postgres before 17 cannot sort by id on top of the index.
 */
function searchSql({ model, productId, filter, limit, behind }: Search, ties: number | null): Prisma.Sql {
  const anchor = Prisma.sql`(SELECT vec FROM ${tableSql(model)} WHERE product_id = ${productId})`;
  const product = hasProductFilter(filter) ? Prisma.sql`JOIN simili.product p ON p.id = e.product_id` : Prisma.empty;
  const farther = behind
    ? Prisma.sql`AND (e.vec <-> ${anchor}, e.product_id) > (${behind.l2}::float8, ${behind.productId})`
    : Prisma.empty;
  return Prisma.sql`
    SELECT "productId", l2${ties === null ? Prisma.empty : LOOKED} FROM (
      SELECT e.product_id AS "productId", e.vec <-> ${anchor} AS l2
      FROM ${tableSql(model)} e ${product}
      WHERE e.product_id <> ${productId} AND ${anchor} IS NOT NULL ${conditions(filter)} ${farther}
      ${ties === null ? Prisma.empty : Prisma.sql`ORDER BY l2 LIMIT ${limit + ties}`}
    ) AS nearest ORDER BY l2, "productId" LIMIT ${limit}`;
}

const hasProductFilter = (filter: SearchFilter): boolean =>
  filter.available !== undefined ||
  filter.categories !== undefined ||
  filter.minPrice !== undefined ||
  filter.maxPrice !== undefined;

function conditions({ available, categories, minPrice, maxPrice, excludeIds }: SearchFilter): Prisma.Sql {
  const parts = [
    available === undefined ? null : Prisma.sql`p.available = ${available}`,
    categories === undefined ? null : Prisma.sql`p.categories && ${[...categories]}::text[]`,
    minPrice === undefined ? null : Prisma.sql`p.price >= ${minPrice}::numeric`,
    maxPrice === undefined ? null : Prisma.sql`p.price <= ${maxPrice}::numeric`,
    excludeIds?.length ? Prisma.sql`e.product_id <> ALL(${[...excludeIds]}::text[])` : null,
  ].filter((part) => part !== null);
  return parts.length ? Prisma.sql`AND ${Prisma.join(parts, ' AND ')}` : Prisma.empty;
}

/** `model` is our own serial number, never a caller's text. */
function table(model: number): string {
  if (!Number.isSafeInteger(model) || model < 1) throw new RangeError(`model number ${model}`);
  return `simili.embedding_${model}`;
}
const tableSql = (model: number): Prisma.Sql => Prisma.raw(table(model));
