import { LRUCache } from 'lru-cache';
import { type Deadline, whoeverLeaves } from '../../deadline.ts';
import type { VersionSpace } from '../../ports/space.ts';
import type { Ask } from '../sql/ask.ts';
import { categoryTable, copiesIndexOf, embeddingName, embeddingTable } from '../sql/embedding-table.ts';
import { bool, float, int, orNull, text } from '../sql/row.ts';
import { isFewLists, QUICK } from './many-lists.ts';

/** Indexes of one category alone, in each space of a version, by which a filter of that category is searched. */
export type WithinCategory = {
  /** Numbers that stand for the category in each space's table. */
  readonly numbers: readonly number[];
  /** Whether all copies of a space are ranked, as they are few, or their index finds too little. */
  readonly ranked: readonly boolean[];
  /** Candidates by which the index finds nearly all of the nearest, as it was measured; null: it was not. */
  readonly candidates: number | null;
  /** How many products have it, and which share of the catalog, 0 to 1, by the database's own statistics. */
  readonly products: number;
  readonly share: number;
};
type Index = Pick<WithinCategory, 'candidates' | 'products' | 'share'> & {
  number: number;
  ranked: boolean;
};
/** In place of candidates: all products of the category are ranked, as its index finds too little (migration 0046). */
export const ALL_RANKED = 0;
type Indexes = ReadonlyMap<string, Index>;

/** How long it is remembered which categories have one, ms. */
const REMEMBERED_MS = 60_000;
const TABLES_REMEMBERED = 100;

/** Those that are whole: an index is built when all vectors of its category are copied, and triggers keep these. `candidates`: as in the table; all can be ranked where copies are found without an index of neighbours, which those of an older worker are not. */
const READY = {
  name: 'simili category indexes',
  text: `
    SELECT c.category, c.number, a.amname <> 'hnsw' AS ranked, CASE WHEN c.candidates > 0 OR to_regclass($5) IS NOT NULL THEN c.candidates END AS candidates,
      greatest(0, i.reltuples)::float8 AS products,
      least(1, greatest(1, i.reltuples)::float8 / greatest(1, v.reltuples)) AS share
    FROM simili.category_index c
      JOIN pg_class v ON v.oid = to_regclass($3)
      JOIN pg_index x ON x.indexrelid = to_regclass($4 || '_vec_' || c.number || '_idx') AND x.indisvalid
      JOIN pg_class i ON i.oid = x.indexrelid
      JOIN pg_am a ON a.oid = i.relam
    WHERE c.catalog_id = $1 AND c.vectors = $2`,
  row: {
    category: text,
    number: int,
    ranked: bool,
    candidates: orNull(int),
    products: float,
    share: float,
  },
};

/** Which categories of a version have an index of their own. */
export class CategoriesOfSearch {
  private readonly known = new LRUCache<string, Promise<Indexes>>({ max: TABLES_REMEMBERED, ttl: REMEMBERED_MS });

  constructor(
    private readonly ask: Ask,
    private readonly catalogId: string,
  ) {}

  /**
   * @param lists of one statement
   * @returns null where a filter is not of exactly one category that has an index in every space
   */
  async of(
    model: number,
    spaces: readonly VersionSpace[],
    { categories }: { categories?: readonly string[] },
    lists: number,
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
    return { numbers: found.map(({ number }) => number), ...howFar(found, lists), products, share };
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

/** @param found the index of each space */
function howFar(found: readonly Index[], lists: number): Pick<WithinCategory, 'ranked' | 'candidates'> {
  const isAsMeasured = isFewLists(lists);
  const ranked = found.map((one) => one.ranked || (isAsMeasured && one.candidates === ALL_RANKED));
  const searched = found.filter((_, i) => !ranked[i]).map(({ candidates }) => candidates);
  if (searched.length === 0 || searched.includes(null)) return { ranked, candidates: null };
  const most = Math.max(...searched.map((candidates) => candidates || Number.POSITIVE_INFINITY));
  return { ranked, candidates: isAsMeasured ? most : Math.min(most, QUICK) };
}
