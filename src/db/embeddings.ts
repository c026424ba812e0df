import { fromSql } from 'pgvector';
import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import type { Encoder } from '../ports/encoder.ts';
import { type EmbeddingSpace, type IndexedSpace, PICTURES } from '../ports/space.ts';
import { keepCatalog } from './catalogs.ts';
import { stopBuilds } from './indexes/index-builds.ts';
import { type Compared, distinctStatement } from './near-duplicates.ts';
import type { IndexBuild, Storage, VectorIndex } from './session/storage.ts';
import { type Ask, NO_ROWS } from './sql/ask.ts';
import { A_FEW, BRIEFLY, briefly, NOT_NOW, productsAreHeld } from './sql/brief-locks.ts';
import {
  categoryName,
  categoryTable,
  embeddingName,
  embeddingTable,
  indexOf,
  vectorSchema,
  withoutSchema,
  writtenIndexOf,
} from './sql/embedding-table.ts';
import { bigint, int, rows, text, texts } from './sql/row.ts';
import { columnType, indexedSql, storedSql } from './sql/space-sql.ts';
import { despiteDeadlock, sqlStateOf } from './sql/sql-state.ts';
import { vectorsParameter } from './sql/vector-bytes.ts';
import { ofVersion, VersionGone } from './sql/version-gone.ts';

/** `contentHash`: of what it was computed from; of one picture its own, of several these joined. `vector` null: nothing came of it. */
export type Vector = { productId: string; contentHash: string; vector: Float32Array | null };
/** A product that needs a vector of what its sender says. */
export type MissingOfProduct = Pick<Vector, 'productId' | 'contentHash'>;
/** A product that needs a vector of its decoded pictures, in their order: one or more. */
export type MissingVector = MissingOfProduct & { pictures: readonly { source: string; contentHash: string }[] };
/**
 * Products with a picture that one version has vectors of (`served`), those of them that another has none of (`lost`), and how many of these because
 * their first picture could not be had, though it was asked for several times, or their encoder gives no numbers for what they show (`settled`).
 */
export type Coverage = { served: number; lost: number; settled: number };
/** The part of a space that the name of a table, and how it stores a vector, follow from. */
type Stored = Pick<EmbeddingSpace, 'name' | 'storage'>;
type Input = Encoder['input'];

const Count = { n: bigint };
const Covered = { served: int, lost: int, settled: int };
const Missing = { productId: text, contentHash: text };
/** Vectors of one statement where an index takes them as they come: on the embedded database 5 ms each, for which it holds the thread. */
const MOST_INDEXED = 10;
const OF_PICTURES: Stored = { name: PICTURES, storage: 'vector' };

/**
 * Candidates among which a new vector's neighbours are chosen. A build by pgvector's own 64 is quick and good, as most of what is near comes before or after. A new
 * product that looks like few others is alone: of 64 candidates one in fifty was put beside others than its like, and was not in their lists (docs/adr/0041-lost-anchors.md).
 */
const INSERT_CONSTRUCTION = 400;

/** Makes its rows found by the transaction that wrote them; the trigger says so of whoever overwrites one, also a process of a version that does not know the column. */
const tellingWriters = (table: string): string[] => [
  `CREATE INDEX IF NOT EXISTS ${withoutSchema(writtenIndexOf(table))} ON ${table} (written)`,
  `CREATE OR REPLACE TRIGGER written BEFORE UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION simili.vector_written()`,
];

/**
 * Vectors of products, all but the search among them (src/db/search/repository.ts): one table per model version and space, named by these, in
 * a schema of the catalog, with its own HNSW index, so that a version is retired by DROP and a live index is never vacuumed of another version's rows.
 */
export class EmbeddingRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly ask: Ask,
    private readonly indexing: Pick<Storage, 'buildIndex' | 'indexedFrom'>,
    private readonly catalogId: string,
  ) {}

  /**
   * Makes the table of a version's space. Rows are loaded first, and the index is built then, unless the database says otherwise. Safe to repeat.
   * @throws VersionGone where the catalog was removed.
   */
  async createTable(model: number, space: IndexedSpace): Promise<void> {
    const { catalogId } = this;
    const name = this.table(model, space.name);
    await this.db.$transaction(async (tx) => {
      // One after the other: of two who make it at once Postgres refuses one. What serves may change meanwhile, for this may wait for minutes.
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('simili vectors ' || ${name}::text, 0))`;
      if (!(await keepCatalog(tx, catalogId))) throw new VersionGone(`catalog ${catalogId}`);
      const table = `
        CREATE TABLE IF NOT EXISTS ${name} (
          product_id   TEXT PRIMARY KEY,
          content_hash TEXT NOT NULL,
          vec          ${columnType(space)} ${space.name === PICTURES ? 'NOT NULL' : ''},
          catalog_id   TEXT NOT NULL DEFAULT '${catalogId}' CHECK (catalog_id = '${catalogId}'),
          written      XID8 NOT NULL DEFAULT pg_current_xact_id(),
          FOREIGN KEY (catalog_id, product_id) REFERENCES simili.product (catalog_id, id) ON DELETE CASCADE ON UPDATE CASCADE
        )`;
      await tx.$executeRawUnsafe(briefly(table));
      for (const sql of tellingWriters(name)) await tx.$executeRawUnsafe(sql);
      if (await this.isIndexedFirst(tx)) {
        const { name: index, on } = this.index(model, space);
        await tx.$executeRawUnsafe(`CREATE INDEX IF NOT EXISTS ${withoutSchema(index)} ON ${name} ${on}`);
      }
    }, BRIEFLY);
  }

  private async isIndexedFirst(tx: Prisma.TransactionClient): Promise<boolean> {
    const { indexedFrom } = this.indexing;
    return indexedFrom !== null && (await tx.product.count({ where: { catalogId: this.catalogId } })) >= indexedFrom;
  }

  private index(model: number, space: IndexedSpace): VectorIndex {
    const table = this.table(model, space.name);
    const on = `USING hnsw (${indexedSql(space)})`;
    return { table, name: indexOf(table), on, insertConstruction: INSERT_CONSTRUCTION };
  }

  /** Builds the search index, beside readers, writers and deletions on Postgres. Safe to repeat. @throws VersionGone; as `Storage.buildIndex` */
  async createIndex(model: number, space: IndexedSpace, how: IndexBuild = {}): Promise<void> {
    await ofVersion(this.indexing.buildIndex(this.index(model, space), how));
  }

  /**
   * Drops the tables of all spaces of a version, those of its large categories too, whose indexes nobody goes on to build. Nothing waits for
   * that, so nobody is kept waiting for it either.
   * @returns whether they are gone: not while a long transaction, such as a dump, holds the products
   */
  async dropTables(model: number, spaces: readonly Pick<EmbeddingSpace, 'name'>[]): Promise<boolean> {
    const { catalogId } = this;
    const vectors = spaces.map(({ name }) => embeddingName(model, name));
    const names = [...vectors, ...spaces.map(({ name }) => categoryName(model, name))];
    await stopBuilds(this.db, vectorSchema(catalogId), names);
    const tables = names.map((name) => `"${vectorSchema(catalogId)}".${name}`);
    if (await productsAreHeld(this.db)) return false;
    const dropping = this.db.$transaction(async (tx) => {
      await tx.categoryIndex.deleteMany({ where: { catalogId, vectors: { in: vectors } } });
      await tx.$executeRawUnsafe(briefly(`DROP TABLE IF EXISTS ${tables.join(', ')}`, A_FEW));
      return true;
    }, BRIEFLY);
    return dropping.catch((error: unknown) => {
      if (sqlStateOf(error) === NOT_NOW) return false;
      throw error;
    });
  }

  /**
   * Overwrites by product; a product deleted in the meantime is left out.
   * @param input of `pictures`, so is one whose pictures were all taken away: nothing would take away its vector
   * @throws VersionGone
   */
  async upsert(
    model: number,
    vectors: readonly Vector[],
    space: Stored = OF_PICTURES,
    input: Input = 'product',
  ): Promise<void> {
    const most = this.indexing.indexedFrom === null ? vectors.length : MOST_INDEXED;
    for (let from = 0; from < vectors.length; from += most)
      await this.upsertAtOnce(model, vectors.slice(from, from + most), space, input);
  }

  private async upsertAtOnce(model: number, vectors: readonly Vector[], space: Stored, input: Input): Promise<void> {
    // Held before the products are, as by whoever takes pictures away: he waits for this commit, or is seen here.
    const shown = `v.id = ANY(ARRAY(
      SELECT product_id FROM simili.product_image
      WHERE catalog_id = $1 AND product_id = ANY($2::text[]) AND position = 0 ORDER BY id FOR KEY SHARE))`;
    const some = vectors.flatMap(({ vector, ...row }) => (vector ? [{ ...row, vector }] : []));
    const none = vectors.filter(({ vector }) => vector === null);
    const insert = (vec: string, given: string): string => `
      INSERT INTO ${this.table(model, space.name)} (product_id, content_hash, vec)
      SELECT v.id, v.hash, ${vec} FROM ${given}
      WHERE ${input === 'pictures' ? `${shown} AND ` : ''}EXISTS (
        SELECT FROM simili.product p WHERE p.catalog_id = $1 AND p.id = v.id FOR KEY SHARE)
      ON CONFLICT (product_id) DO UPDATE SET content_hash = excluded.content_hash, vec = excluded.vec`;
    const keys = (of: readonly Vector[]) => [
      this.catalogId,
      of.map(({ productId }) => productId),
      of.map((row) => row.contentHash),
    ];
    if (some.length > 0) {
      const bytes = await vectorsParameter(
        this.ask,
        'vector',
        some.map(({ vector }) => vector),
      );
      const given = 'unnest($2::text[], $3::text[], $4::vector[]) AS v (id, hash, vec)';
      const text = insert(storedSql(space, 'v.vec'), given);
      // Where its large categories have indexes, a writer waits for those who give its products other categories.
      await ofVersion(despiteDeadlock(() => this.ask({ text, row: NO_ROWS }, [...keys(some), bytes])));
    }
    if (none.length > 0) {
      const text = insert('NULL', 'unnest($2::text[], $3::text[]) AS v (id, hash)');
      await ofVersion(despiteDeadlock(() => this.ask({ text, row: NO_ROWS }, keys(none))));
    }
  }

  /**
   * Takes away the vectors of those of the products that have no picture any more, first the copies by category, which no trigger takes along.
   * The products say that they are renewed, as lists of neighbours that were kept before know nothing of it.
   * @throws VersionGone
   */
  async removeUnpictured(model: number, space: string, ids: readonly string[]): Promise<void> {
    const { catalogId } = this;
    const removal = (table: string) => Prisma.sql`
      DELETE FROM ${Prisma.raw(table)} e WHERE e.product_id = ANY(${[...ids]}::text[]) AND NOT EXISTS (
        SELECT FROM simili.product_image i WHERE i.catalog_id = ${catalogId} AND i.product_id = e.product_id)`;
    const copied = { catalogId, vectors: embeddingName(model, space) };
    if (await this.db.categoryIndex.findFirst({ where: copied, select: { number: true } }))
      await ofVersion(this.db.$executeRaw`${removal(categoryTable(catalogId, model, space))}`);
    // Who deletes such a product holds it, and waits for its vector.
    await ofVersion(
      despiteDeadlock(
        () => this.db.$executeRaw`
          WITH removed AS (${removal(this.table(model, space))} RETURNING e.product_id)
          UPDATE simili.product SET renewed = pg_current_xact_id()
          WHERE catalog_id = ${catalogId} AND id IN (SELECT product_id FROM removed)`,
      ),
    );
  }

  /** @throws VersionGone */
  async count(model: number): Promise<number> {
    const [row] = await ofVersion(rows(this.db, Count)`SELECT count(*) AS n FROM ${this.tableSql(model)}`);
    return Number(row?.n ?? 0);
  }

  /**
   * Products with a decoded first picture whose vector is missing or of other pictures than are decoded now, in id order. The
   * place is said of both tables: an outer join does not carry it over, and each page would read all vectors before it.
   * @param after only those behind this id; null: from the start.
   * @param among only these; null: all
   * @throws VersionGone
   */
  async missing(
    model: number,
    limit: number,
    after: string | null = null,
    space = PICTURES,
    among: readonly string[] | null = null,
  ): Promise<MissingVector[]> {
    const some = among && [...among];
    const asked = rows(this.db, { ...Missing, sources: texts, hashes: texts })`
      SELECT i.product_id AS "productId", concat_ws('+', i.content_hash, o.joined) AS "contentHash",
        array_prepend(i.source, o.sources) AS sources, array_prepend(i.content_hash, o.hashes) AS hashes
      FROM simili.product_image i
        LEFT JOIN ${this.tableSql(model, space)} e ON e.product_id = i.product_id AND e.product_id > ${after ?? ''}
        CROSS JOIN LATERAL (
          SELECT array_agg(source ORDER BY position) AS sources, array_agg(content_hash ORDER BY position) AS hashes,
            string_agg(content_hash, '+' ORDER BY position) AS joined
          FROM simili.product_image
          WHERE catalog_id = ${this.catalogId} AND product_id = i.product_id AND position > 0 AND state = 'READY') o
      WHERE i.catalog_id = ${this.catalogId} AND i.state = 'READY' AND i.position = 0 AND i.product_id > ${after ?? ''}
        AND (${some}::text[] IS NULL OR i.product_id = ANY(${some}::text[]))
        AND (e.content_hash IS NULL OR e.content_hash <> concat_ws('+', i.content_hash, o.joined))
      ORDER BY i.product_id LIMIT ${limit}`;
    const found = await ofVersion(asked);
    return found.map(({ sources, hashes, ...row }) => ({
      ...row,
      pictures: sources.map((source, i) => ({ source, contentHash: hashes[i]! })),
    }));
  }

  /** Products without a vector of what an encoder reads of them now. */
  async countMissing(model: number, space = PICTURES, input: Input = 'pictures'): Promise<number> {
    const [row] = await ofVersion(
      rows(this.db, Count)`SELECT count(*) AS n FROM (${this.lackingSql(model, space, input, null)}) AS lacking`,
    );
    return Number(row?.n ?? 0);
  }

  /**
   * Those of the products that lack one. @param input null: which it is, is not known here, and a vector of either will do
   * @param ids null: of all
   * @param eyes names of encoders without whose numbers there is no vector: a product that shows nothing that all of them see lacks none
   * @throws VersionGone
   */
  async lacking(
    model: number,
    space: string,
    input: Input | null,
    ids: readonly string[] | null,
    eyes: readonly string[] = [],
  ): Promise<string[]> {
    const lacking = this.lackingSql(model, space, input, ids);
    const isSeen = eyes.length === 0 ? Prisma.sql`TRUE` : this.isSeenSql(Prisma.sql`lacking.id`, eyes);
    const found = await ofVersion(rows(this.db, { id: text })`SELECT id FROM (${lacking}) AS lacking WHERE ${isSeen}`);
    return found.map(({ id }) => id);
  }

  /** Whether a product has a picture that all these encoders give numbers for. */
  private isSeenSql(id: Prisma.Sql, eyes: readonly string[]): Prisma.Sql {
    return Prisma.sql`EXISTS (
      SELECT FROM simili.product_image i
      WHERE i.catalog_id = ${this.catalogId} AND i.product_id = ${id} AND i.state = 'READY' AND NOT EXISTS (
        SELECT FROM simili.unseen_picture u WHERE u.encoder = ANY(${[...eyes]}::text[]) AND u.content_hash = i.content_hash))`;
  }

  /**
   * @param tries after which a picture that could not be had is settled
   * @param eyes as of `lacking`
   * @throws VersionGone
   */
  async coverage(model: number, serving: number, tries: number, eyes: readonly string[] = []): Promise<Coverage> {
    const [row] = await ofVersion(
      rows(this.db, Covered)`
        SELECT count(*)::int AS served, count(*) FILTER (WHERE e.product_id IS NULL)::int AS lost,
          count(*) FILTER (WHERE e.product_id IS NULL AND CASE WHEN i.state = 'READY' THEN NOT ${this.isSeenSql(Prisma.sql`s.product_id`, eyes)}
            ELSE i.attempts >= ${tries} OR (i.state = 'FAILED' AND i.retry_at IS NULL) END)::int AS settled
        FROM ${this.tableSql(serving)} s
          JOIN simili.product_image i ON i.catalog_id = ${this.catalogId} AND i.product_id = s.product_id AND i.position = 0
          LEFT JOIN ${this.tableSql(model)} e ON e.product_id = s.product_id`,
    );
    return row!;
  }

  /** Puts all that lack one into the queue (src/db/vector-queue.ts), to be looked at now. */
  async queueMissing(model: number, space: string, input: Input): Promise<void> {
    await despiteDeadlock(
      () => this.db.$executeRaw`
        INSERT INTO simili.vector_queue (catalog_id, product_id)
        SELECT ${this.catalogId}, id FROM (${this.lackingSql(model, space, input, null)}) AS lacking ORDER BY id
        ON CONFLICT (catalog_id, product_id) DO UPDATE SET place = excluded.place, due_at = excluded.due_at, tries = 0`,
    );
  }

  private lackingSql(model: number, space: string, input: Input | null, ids: readonly string[] | null): Prisma.Sql {
    const pictures = Prisma.sql`o.shown AND e.content_hash IS DISTINCT FROM o.hashes`;
    const product = Prisma.sql`e.content_hash IS DISTINCT FROM p.fingerprint`;
    const either = Prisma.sql`(e.content_hash = o.hashes OR e.content_hash = p.fingerprint) IS NOT TRUE`;
    return Prisma.sql`
      SELECT p.id FROM simili.product p
        LEFT JOIN ${this.tableSql(model, space)} e ON e.product_id = p.id
        CROSS JOIN LATERAL (
          SELECT string_agg(content_hash, '+' ORDER BY position) AS hashes, bool_or(position = 0) AS shown
          FROM simili.product_image WHERE catalog_id = ${this.catalogId} AND product_id = p.id AND state = 'READY') o
      WHERE p.catalog_id = ${this.catalogId} AND (${ids === null ? null : [...ids]}::text[] IS NULL OR p.id = ANY(${[...(ids ?? [])]}::text[]))
        AND ${input === 'pictures' ? pictures : input === 'product' ? product : either}`;
  }

  /**
   * Products whose vector is missing, or of other words than their sender says now, in id order. Anything that is said counts: what
   * an encoder reads of it, only the encoder knows.
   * @throws VersionGone
   */
  missingOfProducts(
    model: number,
    { name }: Pick<EmbeddingSpace, 'name'>,
    limit: number,
    after: string | null,
    among: readonly string[] | null = null,
  ): Promise<MissingOfProduct[]> {
    const some = among && [...among];
    const asked = rows(this.db, Missing)`
      SELECT p.id AS "productId", p.fingerprint AS "contentHash"
      FROM simili.product p LEFT JOIN ${this.tableSql(model, name)} e ON e.product_id = p.id AND e.product_id > ${after ?? ''}
      WHERE p.catalog_id = ${this.catalogId} AND p.id > ${after ?? ''} AND (${some}::text[] IS NULL OR p.id = ANY(${some}::text[]))
        AND (e.content_hash IS NULL OR e.content_hash <> p.fingerprint)
      ORDER BY p.id LIMIT ${limit}`;
    return ofVersion(asked);
  }

  /** Vectors of the given products, as [length] float32; bits as 0 and 1. Missing ones are left out. @throws VersionGone */
  async vectors(
    model: number,
    productIds: readonly string[],
    space: Stored = OF_PICTURES,
  ): Promise<Map<string, Float32Array>> {
    const found = await ofVersion(
      rows(this.db, { productId: text, vec: text })`
      SELECT product_id AS "productId", vec::text AS vec FROM ${this.tableSql(model, space.name)}
      WHERE product_id = ANY(${[...productIds]}) AND vec IS NOT NULL`,
    );
    const numbers = (vec: string) => (space.storage === 'bit' ? [...vec].map(Number) : (fromSql(vec) as number[]));
    return new Map(found.map((row) => [row.productId, Float32Array.from(numbers(row.vec))]));
  }

  /** Ids of the first products of a ranking whose picture is no near-duplicate of one before them, nor of an anchor's. @throws VersionGone */
  async distinct(model: number, compared: Compared): Promise<Set<string>> {
    const { statement, values } = distinctStatement(this.catalogId, model, compared);
    return new Set((await ofVersion(this.ask(statement, values))).map(({ id }) => id));
  }

  private table(model: number, space?: string): string {
    return embeddingTable(this.catalogId, model, space);
  }

  private tableSql(model: number, space?: string): Prisma.Sql {
    return Prisma.raw(this.table(model, space));
  }
}
