import { fromSql } from 'pgvector';
import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import type { Ask } from './ask.ts';
import { embeddingTable } from './embedding-table.ts';
import { vectorsParameter } from './vector-bytes.ts';
import { ofVersion } from './version-gone.ts';

/** `contentHash`: of the pictures that it was computed from, joined; of one picture its own. */
export type Vector = { productId: string; contentHash: string; vector: Float32Array };
/** A product that needs a vector, and its decoded pictures, in their order: one or more. */
export type MissingVector = Pick<Vector, 'productId' | 'contentHash'> & {
  pictures: readonly { source: string; contentHash: string }[];
};

/**
 * Vectors of products, all but the search among them (src/db/search.ts): one table per model version, named by its number,
 * with its own HNSW index, so that a version is retired by DROP and a live index is never vacuumed of another version's rows.
 */
export class EmbeddingRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly ask: Ask,
  ) {}

  /** Makes the table of a version, without its index: rows are loaded first. Safe to repeat. */
  async createTable(model: number, dimensions: number): Promise<void> {
    await this.db.$executeRawUnsafe(`
      CREATE TABLE IF NOT EXISTS ${embeddingTable(model)} (
        product_id   TEXT PRIMARY KEY REFERENCES simili.product (id) ON DELETE CASCADE ON UPDATE CASCADE,
        content_hash TEXT NOT NULL,
        vec          vector(${dimensions}) NOT NULL
      )`);
  }

  /** Builds the search index (squared Euclidean and cosine rank unit vectors alike). Safe to repeat. */
  async createIndex(model: number): Promise<void> {
    await this.db.$executeRawUnsafe(
      `CREATE INDEX IF NOT EXISTS embedding_${model}_vec_idx ON ${embeddingTable(model)} USING hnsw (vec vector_l2_ops)`,
    );
    await this.db.$executeRawUnsafe(`ANALYZE ${embeddingTable(model)}`);
  }

  async dropTable(model: number): Promise<void> {
    await this.db.$executeRawUnsafe(`DROP TABLE IF EXISTS ${embeddingTable(model)}`);
  }

  /** Overwrites by product; a product deleted in the meantime is left out. */
  async upsert(model: number, rows: readonly Vector[]): Promise<void> {
    if (rows.length === 0) return;
    const text = `
      INSERT INTO ${embeddingTable(model)} (product_id, content_hash, vec)
      SELECT v.id, v.hash, v.vec FROM unnest($1::text[], $2::text[], $3::vector[]) AS v (id, hash, vec)
      WHERE EXISTS (SELECT FROM simili.product p WHERE p.id = v.id FOR KEY SHARE)
      ON CONFLICT (product_id) DO UPDATE SET content_hash = excluded.content_hash, vec = excluded.vec`;
    const [ids, hashes] = [rows.map(({ productId }) => productId), rows.map(({ contentHash }) => contentHash)];
    const vectors = rows.map(({ vector }) => vector);
    await this.ask({ text }, [ids, hashes, await vectorsParameter(this.ask, 'vector', vectors)]);
  }

  /** @throws VersionGone */
  async count(model: number): Promise<number> {
    const [row] = await ofVersion(this.db.$queryRaw<{ n: bigint }[]>`SELECT count(*) AS n FROM ${tableSql(model)}`);
    return Number(row?.n ?? 0);
  }

  /**
   * Products with a decoded first picture whose vector is missing or of other pictures than are decoded now, in id order. The
   * place is said of both tables: an outer join does not carry it over, and each page would read all vectors before it.
   * @param after only those behind this id; null: from the start.
   */
  async missing(model: number, limit: number, after: string | null = null): Promise<MissingVector[]> {
    const rows = await this.db.$queryRaw<
      { productId: string; contentHash: string; sources: string[]; hashes: string[] }[]
    >`
      SELECT i.product_id AS "productId", concat_ws('+', i.content_hash, o.joined) AS "contentHash",
        array_prepend(i.source, o.sources) AS sources, array_prepend(i.content_hash, o.hashes) AS hashes
      FROM simili.product_image i
        LEFT JOIN ${tableSql(model)} e ON e.product_id = i.product_id AND e.product_id > ${after ?? ''}
        CROSS JOIN LATERAL (
          SELECT array_agg(source ORDER BY position) AS sources, array_agg(content_hash ORDER BY position) AS hashes,
            string_agg(content_hash, '+' ORDER BY position) AS joined
          FROM simili.product_image WHERE product_id = i.product_id AND position > 0 AND state = 'READY') o
      WHERE i.state = 'READY' AND i.position = 0 AND i.product_id > ${after ?? ''}
        AND (e.content_hash IS NULL OR e.content_hash <> concat_ws('+', i.content_hash, o.joined))
      ORDER BY i.product_id LIMIT ${limit}`;
    return rows.map(({ sources, hashes, ...row }) => ({
      ...row,
      pictures: sources.map((source, i) => ({ source, contentHash: hashes[i]! })),
    }));
  }

  async countMissing(model: number): Promise<number> {
    const [row] = await this.db.$queryRaw<{ n: bigint }[]>`
      SELECT count(*) AS n
      FROM simili.product_image i
        LEFT JOIN ${tableSql(model)} e ON e.product_id = i.product_id
        LEFT JOIN (
          SELECT product_id, string_agg(content_hash, '+' ORDER BY position) AS joined
          FROM simili.product_image WHERE position > 0 AND state = 'READY' GROUP BY product_id
        ) o ON o.product_id = i.product_id
      WHERE i.state = 'READY' AND i.position = 0
        AND (e.content_hash IS NULL OR e.content_hash <> concat_ws('+', i.content_hash, o.joined))`;
    return Number(row?.n ?? 0);
  }

  /** Vectors of the given products, as [length] float32. Missing ones are left out. */
  async vectors(model: number, productIds: readonly string[]): Promise<Map<string, Float32Array>> {
    const rows = await this.db.$queryRaw<{ productId: string; vec: string }[]>`
      SELECT product_id AS "productId", vec::text AS vec FROM ${tableSql(model)} WHERE product_id = ANY(${[...productIds]})`;
    return new Map(rows.map((row) => [row.productId, Float32Array.from(fromSql(row.vec) as number[])]));
  }
}

const tableSql = (model: number): Prisma.Sql => Prisma.raw(embeddingTable(model));
