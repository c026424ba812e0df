import type { PrismaClient } from '../generated/prisma/client.ts';
import type { EmbeddingSpace, IndexedSpace } from '../ports/space.ts';
import { keepCatalog } from './catalogs.ts';
import { candidatesWithin } from './indexes/category-candidates.ts';
import type { IndexBuild, Storage } from './session/storage.ts';
import { type Ask, NO_ROWS } from './sql/ask.ts';
import { BRIEFLY, briefly } from './sql/brief-locks.ts';
import {
  categoryIndexOf,
  categoryTable,
  copiesIndexOf,
  embeddingName,
  embeddingTable,
  withoutSchema,
} from './sql/embedding-table.ts';
import { bool, float, int, orNull, rows, text } from './sql/row.ts';
import { columnType, indexedSql } from './sql/space-sql.ts';
import { ofVersion, VersionGone } from './sql/version-gone.ts';

/** A category and how many products have it. */
export type Category = { category: string; products: number };
/** Which categories have an index of their own. */
export type CategoryBounds = {
  /** Fewer products are ranked one by one as quickly. */
  readonly fewest: number;
  /**
   * So many are ranked one by one where their copies lie together, and no more than so many times the root of the catalog's products: exact, and as quick
   * as an index of neighbours, which finds less the greater the catalog.
   */
  readonly mostRanked: number;
  readonly mostRankedByRoot: number;
  /** Share of the catalog: a category that more are in needs no more candidates of the index of all than of its own. */
  readonly mostShare: number;
  readonly most: number;
};
/** Measured in docs/adr/0036-category-indexes.md. */
export const CATEGORY_BOUNDS: CategoryBounds = {
  fewest: 1000,
  mostRanked: 25_000,
  mostRankedByRoot: 50,
  mostShare: 0.45,
  most: 16,
};

/**
 * Candidates that each vector's neighbours are chosen from (64 is usual): the products of a category are far from each other, and a search among 50,000 such
 * finds .97 of the ten nearest instead of .91.
 */
const CONSTRUCTION = 200;

/** Vectors that are copied by one statement. */
const COPIED = 5000;

/**
 * Categories that get one: the largest first, together no more products than the catalog has.
 * @param found with the most products first
 * @param products of the catalog
 */
export function largeCategories(found: readonly Category[], products: number, bounds = CATEGORY_BOUNDS): Category[] {
  const large: Category[] = [];
  let left = products;
  for (const one of found) {
    if (large.length === bounds.most) break;
    if (one.products < bounds.fewest || one.products > bounds.mostShare * products || one.products > left) continue;
    large.push(one);
    left -= one.products;
  }
  return large;
}

/** Whether a category of so many products, in a catalog of so many, is ranked as a whole. */
export const isRankedAsWhole = (products: number, all: number, bounds = CATEGORY_BOUNDS): boolean =>
  products <= Math.min(bounds.mostRanked, bounds.mostRankedByRoot * Math.sqrt(all));

/** `isMeasured`: how far its searches look. `all`: products of the catalog. */
type Chosen = { number: number; isMeasured: boolean; products: number; all: number };

/**
 * Indexes of large categories alone (docs/adr/0036-category-indexes.md): a table beside a version's vectors holds copies of those in such
 * a category, and has an index for each. Triggers keep it, in one commit with vectors and categories (migration 0032). On the embedded database there are none.
 */
export class CategoryIndexRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly ask: Ask,
    private readonly indexing: Pick<Storage, 'buildIndex' | 'indexedFrom'>,
    private readonly catalogId: string,
    private readonly bounds: CategoryBounds = CATEGORY_BOUNDS,
  ) {}

  /**
   * Builds them for a table of vectors, the largest category first. Each is used from when it is whole. Safe to repeat: the categories of the first time are kept.
   * @param how.onProgress hears which share of all is built
   * @throws VersionGone; as `Storage.buildIndex`
   */
  async build(model: number, space: IndexedSpace, { signal, onProgress }: IndexBuild = {}): Promise<void> {
    if (this.indexing.indexedFrom !== null) return;
    const chosen = (await this.chosen(model, space)) ?? (await this.begin(model, space));
    if (chosen.length === 0) return;
    await this.copy(model, space, signal);
    const total = chosen.reduce((sum, { products }) => sum + products, 0);
    let built = 0;
    for (const one of chosen) {
      const { products } = one;
      const told = (share: number) => onProgress?.((built + share * products) / total);
      told(0);
      await ofVersion(this.indexing.buildIndex(this.index(model, space, one), { signal, onProgress: told }));
      if (!one.isMeasured && !this.isRanked(one)) await this.measure(model, space, one, signal);
      built += products;
    }
    onProgress?.(1);
  }

  /** Names of a version's table of vectors, and of the one with copies beside it. */
  private tables(model: number, { name }: EmbeddingSpace) {
    const { catalogId } = this;
    return { vectors: embeddingTable(catalogId, model, name), copies: categoryTable(catalogId, model, name) };
  }

  /** An index of one category: of few products where their copies are, of more one of neighbours. */
  private index(model: number, space: IndexedSpace, { number, products, all }: Chosen) {
    const { copies: table } = this.tables(model, space);
    const by = this.isRanked({ products, all })
      ? 'btree (product_id)'
      : `hnsw (${indexedSql(space)}) WITH (ef_construction = ${CONSTRUCTION})`;
    return { table, name: categoryIndexOf(table, number), on: `USING ${by} WHERE category = ${number}` };
  }

  private isRanked({ products, all }: Pick<Chosen, 'products' | 'all'>): boolean {
    return isRankedAsWhole(products, all, this.bounds);
  }

  /** Searches by an index that was built say how many candidates they take. */
  private async measure(
    model: number,
    space: IndexedSpace,
    { number, products }: Chosen,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const category = { ...this.tables(model, space), space, number, products };
    const candidates = await ofVersion(candidatesWithin(this.ask, category, signal));
    const where = { catalogId: this.catalogId, vectors: embeddingName(model, space.name), number };
    await this.db.categoryIndex.updateMany({ where, data: { candidates } }); // none where the version has gone
  }

  /** Categories that were chosen for the table before; null: none were. */
  private async chosen(model: number, { name }: EmbeddingSpace): Promise<Chosen[] | null> {
    const found = await rows(this.db, { number: int, isMeasured: bool, products: float, all: float })`
      SELECT c.number, c.candidates IS NOT NULL AS "isMeasured", (
          SELECT count(*) FROM simili.product p WHERE p.catalog_id = c.catalog_id AND p.categories && ARRAY[c.category])::float8 AS products,
        (SELECT count(*) FROM simili.product WHERE catalog_id = ${this.catalogId})::float8 AS "all"
      FROM simili.category_index c
      WHERE c.catalog_id = ${this.catalogId} AND c.vectors = ${embeddingName(model, name)} ORDER BY c.number`;
    return found.length > 0 ? found : null;
  }

  /**
   * Chooses categories, makes the table and begins to keep it. For a moment nobody writes products or these vectors: who wrote before is seen by
   * the copying, and who writes afterwards is told by the triggers.
   */
  private async begin(model: number, space: IndexedSpace): Promise<Chosen[]> {
    const { catalogId } = this;
    const large = await this.large();
    if (large.length === 0) return [];
    const { vectors, copies } = this.tables(model, space);
    const names = large.map(({ category }) => category);
    const trigger = (event: string) => `
      CREATE OR REPLACE TRIGGER keep_vectors_by_category_${event.toLowerCase()} AFTER ${event} ON ${vectors}
        REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION simili.keep_vectors_by_category('${catalogId}')`;
    const begun = this.db.$transaction(async (tx) => {
      if (!(await keepCatalog(tx, catalogId))) throw new VersionGone(`catalog ${catalogId}`);
      await tx.$executeRawUnsafe(briefly('LOCK TABLE simili.product IN SHARE ROW EXCLUSIVE MODE'));
      for (const event of ['INSERT', 'UPDATE']) await tx.$executeRawUnsafe(trigger(event));
      await tx.$executeRawUnsafe(`
        CREATE TABLE IF NOT EXISTS ${copies} (
          product_id TEXT NOT NULL,
          category   INTEGER NOT NULL,
          vec        ${columnType(space)},
          catalog_id TEXT NOT NULL DEFAULT '${catalogId}' CHECK (catalog_id = '${catalogId}'),
          PRIMARY KEY (product_id, category),
          FOREIGN KEY (catalog_id, product_id) REFERENCES simili.product (catalog_id, id) ON DELETE CASCADE ON UPDATE CASCADE
        )`);
      const found = withoutSchema(copiesIndexOf(copies));
      await tx.$executeRawUnsafe(`CREATE INDEX IF NOT EXISTS ${found} ON ${copies} (category)`);
      await tx.$executeRaw`
        INSERT INTO simili.category_index (catalog_id, vectors, number, category)
        SELECT ${catalogId}, ${embeddingName(model, space.name)}, c.number, c.name
        FROM unnest(${names}::text[]) WITH ORDINALITY AS c (name, number)
        ON CONFLICT DO NOTHING`;
    }, BRIEFLY);
    await ofVersion(begun);
    return (await this.chosen(model, space))!;
  }

  private async large(): Promise<Category[]> {
    const { catalogId, bounds } = this;
    const found = await rows(this.db, { category: text, products: float })`
      SELECT c.category, count(*)::float8 AS products FROM simili.product p, unnest(p.categories) AS c (category)
      WHERE p.catalog_id = ${catalogId} GROUP BY c.category HAVING count(*) >= ${bounds.fewest}::int ORDER BY products DESC, c.category`;
    const total = await this.db.product.count({ where: { catalogId } });
    return largeCategories(found, total, bounds);
  }

  /**
   * Copies all vectors of the categories; one that was written meanwhile is there already, and newer. Those of a category lie together, so that ranking
   * them reads few pages. Holds the products, so that none leaves before its copy refers to it.
   */
  private async copy(model: number, space: IndexedSpace, signal: AbortSignal | undefined): Promise<void> {
    const { catalogId } = this;
    const { vectors, copies } = this.tables(model, space);
    const last = {
      text: `SELECT max(product_id) AS id FROM (SELECT product_id FROM ${vectors} WHERE product_id > $1 ORDER BY product_id LIMIT ${COPIED}) AS page`,
      row: { id: orNull(text) },
    };
    const insert = {
      text: `
        INSERT INTO ${copies} (product_id, category, vec)
        SELECT e.product_id, c.number, e.vec FROM ${vectors} e
          JOIN (SELECT id, categories FROM simili.product
            WHERE catalog_id = $1 AND id > $3 AND id <= $4 ORDER BY id FOR KEY SHARE) p ON p.id = e.product_id
          JOIN simili.category_index c ON c.catalog_id = $1 AND c.vectors = $2 AND c.category = ANY(p.categories)
        ORDER BY c.number, e.product_id
        ON CONFLICT (product_id, category) DO NOTHING`,
      row: NO_ROWS,
    };
    for (let after = ''; ; ) {
      signal?.throwIfAborted();
      const [page] = await ofVersion(this.ask(last, [after]));
      if (!page?.id) return;
      await ofVersion(this.ask(insert, [catalogId, embeddingName(model, space.name), after, page.id]));
      after = page.id;
    }
  }
}
