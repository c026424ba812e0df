import { LRUCache } from 'lru-cache';
import { type Deadline, whoeverLeaves } from '../../deadline.ts';
import type { VersionSpace } from '../../ports/space.ts';
import type { Ask } from '../sql/ask.ts';
import { categoryTable, copiesIndexOf, embeddingName, embeddingTable } from '../sql/embedding-table.ts';
import { bool, float, int, text } from '../sql/row.ts';

/** Indexes of one category alone, in each space of a version, by which a filter of that category is searched. */
export type WithinCategory = {
  /** Numbers that stand for the category in each space's table. */
  readonly numbers: readonly number[];
  /** Whether all copies of a space are ranked, as they are few. */
  readonly ranked: readonly boolean[];
  /** Whether all could be: the copies are found without an index of neighbours. One that an older worker has made has no index for that. */
  readonly together: boolean;
  /** How many products have it, and which share of the catalog, 0 to 1, by the database's own statistics. */
  readonly products: number;
  readonly share: number;
};
type Index = { number: number; ranked: boolean; together: boolean; products: number; share: number };
type Indexes = ReadonlyMap<string, Index>;

/** How long it is remembered which categories have one, ms. */
const REMEMBERED_MS = 60_000;
const TABLES_REMEMBERED = 100;

/** Those that are whole: an index is built when all vectors of its category are copied, and triggers keep these. */
const READY = {
  name: 'simili category indexes',
  text: `
    SELECT c.category, c.number, a.amname <> 'hnsw' AS ranked, to_regclass($5) IS NOT NULL AS together, greatest(0, i.reltuples)::float8 AS products,
      least(1, greatest(1, i.reltuples)::float8 / greatest(1, v.reltuples)) AS share
    FROM simili.category_index c
      JOIN pg_class v ON v.oid = to_regclass($3)
      JOIN pg_index x ON x.indexrelid = to_regclass($4 || '_vec_' || c.number || '_idx') AND x.indisvalid
      JOIN pg_class i ON i.oid = x.indexrelid
      JOIN pg_am a ON a.oid = i.relam
    WHERE c.catalog_id = $1 AND c.vectors = $2`,
  row: { category: text, number: int, ranked: bool, together: bool, products: float, share: float },
};

/** Which categories of a version have an index of their own. */
export class CategoriesOfSearch {
  private readonly known = new LRUCache<string, Promise<Indexes>>({ max: TABLES_REMEMBERED, ttl: REMEMBERED_MS });

  constructor(
    private readonly ask: Ask,
    private readonly catalogId: string,
  ) {}

  /** @returns null where a filter is not of exactly one category that has an index in every space */
  async of(
    model: number,
    spaces: readonly VersionSpace[],
    { categories }: { categories?: readonly string[] },
    deadline: Deadline | null,
  ): Promise<WithinCategory | null> {
    if (categories?.length !== 1) return null;
    const found: Index[] = [];
    for (const { name } of spaces) {
      const index = (await this.ready(model, name, deadline)).get(categories[0]!);
      if (!index) return null;
      found.push(index);
    }
    const [{ products, share }] = found as [Index];
    const [numbers, ranked] = [found.map(({ number }) => number), found.map(({ ranked }) => ranked)];
    return { numbers, ranked, together: found.every(({ together }) => together), products, share };
  }

  private ready(model: number, space: string, deadline: Deadline | null): Promise<Indexes> {
    const key = embeddingName(model, space);
    const known = this.known.get(key);
    if (known) return known;
    const { catalogId } = this;
    const copies = categoryTable(catalogId, model, space);
    const names = [embeddingTable(catalogId, model, space), copies, copiesIndexOf(copies)];
    const asked = whoeverLeaves(() => this.ask(READY, [catalogId, key, ...names]), deadline).then(
      (rows) => new Map(rows.map(({ category, ...index }) => [category, index])),
    );
    this.known.set(key, asked);
    asked.catch(() => this.known.delete(key));
    return asked;
  }
}
