import type { VersionSpace } from '../../ports/space.ts';

/** A place in a ranking: behind this product, which may be deleted by now. `l2`: its distance, as the database ranked by it. */
export type Behind = { productId: string; l2: number };

/** Makes a value a parameter of the statement. @returns how the statement names it */
export type Parameter = (value: unknown, type: string) => string;

/** The values of a statement, in the order in which they become its parameters. @param values the first ones, which it names itself */
export const parameters = (values: unknown[] = []): { values: unknown[]; param: Parameter } => ({
  values,
  param: (value, type) => `$${values.push(value)}::${type}`,
});

/**
 * How the nearest are found. A number: by the index, looking that much farther than the page. 'passing': what passes the
 * filter is found by the catalog's own indexes and ranked one by one, unless it is many. 'listed': what a kept list of each
 * anchor has, and what came since. 'listing' and 'listing passing': by the index, or as 'passing', with a list to keep besides. 'exact': all products are ranked.
 */
export type Way = number | 'passing' | ListWay | 'exact';
export type ListWay = 'listed' | 'listing' | 'listing passing';

/** Under a `ListWay`: candidates of the anchor, rows `e` with `product_id` and `l2`, those of them that are meant with their product `q`, and how near all others are at best. SQL. */
export type Listed = { readonly from: string; readonly holds: string; readonly radius: string };

/** Under 'passing' and 'listing passing': the ids of what passes; none where it is many. */
export const PASSING_IDS = '(SELECT ids FROM passing)::text[]';

/**
 * Rows that an index is asked of: the vectors themselves, or their copies of one category. `only`: which rows of `alias` are meant; empty: all. `isRanked`: these
 * are few, and are all ranked instead; `most`: how many of them are kept, null: all. `binary`: what is ranked anew of a binary index, null: the index is none. `narrowing`: the condition over the products of these rows. `hasAnchor`: the anchor is one of them, so the index has to give it, too.
 */
export type Near = {
  readonly table: string;
  readonly only: (alias: string) => string;
  readonly isRanked: boolean;
  readonly most: MostRanked | null;
  readonly binary: Reranked | null;
  readonly narrowing: string;
  readonly hasAnchor: boolean;
};

/** How many of the nearest that a binary index gives are ranked anew. `arePassing`: of those that pass; else of all that one round gives. */
export type Reranked = { readonly candidates: number; readonly arePassing: boolean };

/** Parameters: how many are kept, and the place in a ranked sample of SAMPLED behind which nothing is (null: everything is ranked). */
export type MostRanked = { readonly kept: string; readonly place: string | null };
/** Copies of a category that are ranked first, to see how near the nearest are. */
export const SAMPLED = 500;

/**
 * Few copies by their distance, `product_id` and `l2`, in the order in which an index would give them. `OFFSET 0`: products are looked up behind the ranking, as many as
 * a page takes, and not of all copies before it.
 *
 * To sort a row costs as much as to compare its vector. So only as many are kept as a page may need, and of those that are surely farther none is sorted (docs/adr/0036-category-indexes.md).
 */
export function rankedSql({ table, only, most }: Near, alias: string, distance: string, where: string): string {
  const copies = `FROM ${table} ${alias} WHERE ${where} ${only(alias)}`;
  const sample = `(SELECT s.l2 FROM (SELECT (${distance}) + 0 AS l2 ${copies} LIMIT ${SAMPLED}) AS s ORDER BY s.l2 OFFSET ${most?.place} LIMIT 1)`;
  const near = most?.place ? `AND (${distance}) <= ${sample}` : '';
  return `(SELECT ${alias}.product_id, (${distance}) + 0 AS l2 ${copies} ${near} ORDER BY l2 ${most ? `LIMIT ${most.kept}` : 'OFFSET 0'})`;
}

const ALL = { product: '', condition: 'TRUE' };

/**
 * The rows that a binary index gives, by their distance, `product_id` and `l2`: a graph of signs does not tell apart what is near. The number is in the text: of a value, Postgres would take a
 * part of the whole table to be wanted. `OFFSET 0` as above.
 * @param passing where a scan goes on until as many pass: their product `q`, where that is asked about, and what is asked
 */
export function rerankedSql(
  { table, only, binary }: Pick<Near, 'table' | 'only'> & { readonly binary: Reranked },
  alias: string,
  { distance, byIndex, where }: { distance: string; byIndex: string; where: string },
  passing = ALL,
): string {
  const { product, condition } = binary.arePassing ? passing : ALL;
  const given = `SELECT ${alias}.product_id, ${alias}.vec FROM ${table} ${alias} ${product}
      WHERE ${where} ${only(alias)} AND ${condition} ORDER BY ${byIndex} LIMIT ${binary.candidates}`;
  return `(SELECT ${alias}.product_id, ${distance} AS l2 FROM (${given}) AS ${alias} ORDER BY l2 OFFSET 0)`;
}

/** Parts of the SQL that ranks the neighbours of one anchor. */
export type RankingParts = {
  /** Parameter with the id of the catalog. */
  catalog: string;
  /** `vec`: the anchor's own vector, a column of `anchor`; null where it has none. */
  tables: readonly { space: VersionSpace; table: string; vec: string; near: Near }[];
  /** Whether the anchor has a vector. Asked within the ranking: no index is read, and no product, for one that has none. */
  warm: string;
  /** Groups none of which is shown: the anchor's own, as the right side of a comparison. */
  ownGroup: string;
  limit: number;
  /** Condition over the columns of a product `q`; empty: none. */
  narrowing: string;
  /** Parameter with the ids that are left out; null: none are. */
  without: string | null;
  behind: Behind | null;
  /** Columns of the product `q` that a scan brings along. */
  carried: string;
  /** Null but for the ways 'listed' and 'listing'. */
  listed: Listed | null;
  param: Parameter;
};
