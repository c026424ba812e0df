import { Prisma, type PrismaClient, type VectorStorage } from '../generated/prisma/client.ts';
import { type MeasuredCandidates, measureCandidates } from './indexes/measured-candidates.ts';
import { type ModelRow, spacesOf } from './models.ts';
import type { Ask } from './sql/ask.ts';
import { TRANSACTION_OF_BYTES } from './sql/bytes.ts';
import { embeddingTable } from './sql/embedding-table.ts';
import { int, rows, text } from './sql/row.ts';
import { columnType } from './sql/space-sql.ts';
import { ofVersion, VersionGone } from './sql/version-gone.ts';

/** An index is of the vectors themselves, or of their signs alone (docs/adr/0039-binary-index.md). */
export type VectorIndexKind = 'full' | 'binary';
/** Nearest of a binary index that are ranked anew until it was measured: as many as one round of a scan gives. */
const NOT_MEASURED = 1000;

/** How the vectors of a version's pictures are stored and indexed: found out while the version is embedded (docs/adr/0011-one-statement-a-page.md). */
export class VectorStorageRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly ask: Ask,
    private readonly catalogId: string,
    /**
     * Whether this database computes with float16 as fast as with float32. Postgres does, by instructions of the processor; PGlite converts
     * each number in software: an index of 849 x 336 takes it 1.6 s instead of .6 s.
     */
    readonly isQuickWithHalves: boolean,
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
          binary_candidates = ${index === 'binary' ? NOT_MEASURED : null}::int,
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
   * How many of the nearest of a version's binary index are ranked anew: as few as find nearly all of the ten nearest, which searches say once the index is built. Of
   * a version with another index, or that was measured, nothing is done. What was found is kept with the version's metrics.
   * @throws the driver's error; what `signal` aborts with
   */
  async measureBinary(version: ModelRow, signal: AbortSignal): Promise<void> {
    const { id, number, binaryCandidates, metrics } = version;
    if (!binaryCandidates || (metrics as OfStorage).storage?.binary) return;
    const [space] = spacesOf(version);
    const table = embeddingTable(this.catalogId, number);
    const measured = await ofVersion(
      measureCandidates(this.ask, { vectors: table, table, only: 'TRUE', space: space! }, signal),
    );
    const { candidates, recall10 }: MeasuredCandidates = measured;
    await this.db.$executeRaw`
      UPDATE simili.model_version SET binary_candidates = ${candidates}::int,
        metrics = jsonb_set(metrics, '{storage,binary}', jsonb_build_object('candidates', ${candidates}::int, 'recall10', ${recall10}::float8))
      WHERE catalog_id = ${this.catalogId} AND id = ${id} AND state = 'EMBEDDING'`;
  }
}

type OfStorage = { storage?: { binary?: object } };
