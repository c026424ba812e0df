import { Prisma, type PrismaClient, type VectorStorage } from '../generated/prisma/client.ts';
import { measureCandidates } from './indexes/measured-candidates.ts';
import { type ModelRow, spacesOf } from './models.ts';
import { EFFORTS, EFFORTS_WITHIN } from './search/effort.ts';
import type { Ask } from './sql/ask.ts';
import { TRANSACTION_OF_BYTES } from './sql/bytes.ts';
import { embeddingTable } from './sql/embedding-table.ts';
import { int, rows, text } from './sql/row.ts';
import { columnType } from './sql/space-sql.ts';
import { ofVersion, VersionGone } from './sql/version-gone.ts';

/** An index is of the vectors themselves, or of their signs alone (docs/adr/0039-binary-index.md). */
export type VectorIndexKind = 'full' | 'binary';
/** How the vectors of a version's pictures are stored and indexed: found out while the version is embedded (docs/adr/0011-one-statement-a-page.md). */
export class VectorStorageRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly ask: Ask,
    private readonly catalogId: string,
    /**
     * Whether it is a server, and not the embedded database. Postgres computes with float16 as fast as with float32, by instructions of the processor; PGlite converts
     * each number in software: an index of 849 x 336 takes it 1.6 s instead of .6 s. And to rank all products holds the thread that answers.
     */
    readonly isServer: boolean,
  ) {}

  /** Products whose first picture is decoded: up to `limit`, the same ones as long as there are no others. */
  async sample(limit: number): Promise<string[]> {
    const found = await rows(this.db, { id: text })`
      SELECT product_id AS id FROM simili.product_image
      WHERE catalog_id = ${this.catalogId} AND state = 'READY' AND position = 0 ORDER BY md5(product_id), product_id LIMIT ${limit}`;
    return found.map(({ id }) => id);
  }

  /**
   * How many of the `most` nearest of a product by float32 are among those by float16, where all are ranked one by one; one at the same
   * distance as the last will do as well. Of a product without a vector, none is looked for.
   */
  async recallOfHalves(model: number, productId: string, most: number): Promise<{ found: number; looked: number }> {
    const table = Prisma.raw(embeddingTable(this.catalogId, model));
    const [row] = await rows(this.db, { found: int, looked: int })`
      WITH anchor AS MATERIALIZED (
        SELECT vec FROM ${table} WHERE product_id = ${productId}
      ), exact AS MATERIALIZED (
        SELECT e.vec <-> a.vec AS d FROM ${table} e, anchor a WHERE e.product_id <> ${productId} ORDER BY d LIMIT ${most}
      ), halves AS MATERIALIZED (
        SELECT e.vec <-> a.vec AS d FROM ${table} e, anchor a WHERE e.product_id <> ${productId}
        ORDER BY e.vec::halfvec <-> a.vec::halfvec, e.product_id LIMIT ${most}
      )
      SELECT (SELECT count(*)::int FROM halves WHERE d <= (SELECT max(d) FROM exact)) AS found,
        (SELECT count(*)::int FROM exact) AS looked`;
    return row!;
  }

  /**
   * The version says how it is stored and what its index will be of, and its table is stored so, in one commit. Safe to repeat.
   * @param recall10 of float16, 0 to 1: kept with the version's metrics.
   * @throws VersionGone: it is not being embedded any more.
   */
  async commit(
    { id, number, dimensions }: Pick<ModelRow, 'id' | 'number' | 'dimensions'>,
    storage: VectorStorage,
    recall10: number,
    index: VectorIndexKind = 'full',
  ): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const changed = await tx.$executeRaw`
        UPDATE simili.model_version SET storage = ${storage}::simili.vector_storage,
          binary_index = ${index === 'binary'}::boolean,
          metrics = metrics || jsonb_build_object('storage', jsonb_build_object('recall10', ${recall10}::float8))
        WHERE catalog_id = ${this.catalogId} AND id = ${id} AND state = 'EMBEDDING'`;
      if (changed === 0) throw new VersionGone(`version ${number}`);
      if (storage === 'VECTOR') return;
      const type = columnType({ storage: 'halfvec', dimensions });
      const table = embeddingTable(this.catalogId, number);
      await tx.$executeRawUnsafe(`ALTER TABLE ${table} ALTER COLUMN vec TYPE ${type} USING vec::${type}`);
    }, TRANSACTION_OF_BYTES);
  }

  /**
   * How many candidates find nearly all of the ten nearest of a version's pictures, which searches say once their index is built. It is kept with the version, and with its
   * metrics. A version that was measured stays as it is.
   * @throws the driver's error; what `signal` aborts with
   */
  async measureIndex(version: ModelRow, signal: AbortSignal): Promise<void> {
    const { id, number, isBinary, candidates: known } = version;
    if (known !== null) return;
    const [space] = spacesOf(version);
    const table = embeddingTable(this.catalogId, number);
    const indexed = { vectors: table, table, only: 'TRUE', space: space! };
    const efforts = isBinary ? EFFORTS_WITHIN : EFFORTS;
    const { candidates, recall10 } = await ofVersion(measureCandidates(this.ask, indexed, signal, efforts));
    await this.db.$executeRaw`
      UPDATE simili.model_version SET candidates = ${candidates}::int,
        metrics = metrics || jsonb_build_object('index', jsonb_build_object('candidates', ${candidates}::int, 'recall10', ${recall10}::float8))
      WHERE catalog_id = ${this.catalogId} AND id = ${id} AND state = 'EMBEDDING'`;
  }
}
