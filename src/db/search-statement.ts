import { createHash } from 'node:crypto';
import type { Statement } from './ask.ts';
import { PRODUCT_COLUMNS } from './product-columns.ts';

/** A place in a ranking: behind this product, which may be deleted by now. `l2`: its distance, as the database ranked by it. */
export type Behind = { productId: string; l2: number };

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

export type Search = {
  /** Table of the version's vectors. */
  table: string;
  anchorIds: readonly string[];
  filter: SearchFilter;
  limit: number;
  behind: Behind | null;
  /** Products that pass a filter and are ranked one by one. */
  mostPassing: number;
};
/**
 * How the nearest are found. A number: by the index, looking that much farther than the page, to see groups of equal
 * distance whole. 'passing': what passes the filter is found by the catalog's own indexes and ranked one by one, unless it
 * is very many. 'exact': all products are ranked.
 */
export type Way = number | 'passing' | 'exact';

/** What most pages need, and so what is prepared: each statement that is costs every session its plan. */
const NARROWEST = 3;
/** Products at equal distance that are ranked together: tried in this order, as most pages see none. */
export const TIES = [NARROWEST, 50, 1000];
/**
 * Candidates of one round of the index scan: recall is bought here, latency paid (pgvector's default is 40). The same for
 * every page: another number would be another scan, and pages of two scans may repeat or lose a product. Deeper pages take
 * more rounds (iterative scan).
 */
const EF_SEARCH = 100;
/** The same where most candidates do not pass a filter: of a tenth that pass, recall@10 is .94 instead of .87. */
const EF_SEARCH_FILTERED = 400;
/**
 * One statement for a page of each anchor. The settings of the index scan are made within it, where the anchor's row is
 * read, which is before the scan begins: it needs no session of its own, so a pooler may lie between.
 */
export function searchStatement(search: Search, way: Way): { statement: Statement; values: unknown[] } {
  const { table, anchorIds, filter, limit, behind } = search;
  const values: unknown[] = [[...anchorIds]];
  const param = (value: unknown, type: string): string => `$${values.push(value)}::${type}`;
  const { narrowing, without } = conditions(filter, param);
  const after = behind
    ? `AND (e.vec <-> anchor.vec, e.product_id) > (${param(behind.l2, 'float8')}, ${param(behind.productId, 'text')})`
    : '';
  const where = `WHERE e.product_id <> anchor.id ${without} ${after}`;
  const product = narrowing ? `JOIN simili.product q ON q.id = e.product_id AND ${narrowing}` : '';
  const text = `
    WITH anchor AS MATERIALIZED (
      SELECT a.nr, p.id, e.vec
      FROM (SELECT set_config('hnsw.ef_search', '${narrowing ? EF_SEARCH_FILTERED : EF_SEARCH}', true), set_config('hnsw.iterative_scan', 'strict_order', true)) AS settings,
        unnest($1::text[]) WITH ORDINALITY AS a (id, nr)
        LEFT JOIN simili.product p ON p.id = a.id
        LEFT JOIN ${table} e ON e.product_id = a.id
    )${way === 'passing' ? passing(narrowing, search.mostPassing) : ''}
    SELECT anchor.nr::int, anchor.id IS NOT NULL AS known, anchor.vec IS NOT NULL AS warm, n.l2, n.looked, n.farthest,
      ${way === 'passing' ? '(SELECT count(*) FROM passing)::int' : 'NULL::int'} AS passing, ${PRODUCT_COLUMNS}
    FROM anchor
      LEFT JOIN LATERAL (${nearest(table, way, { limit, product, where })}) AS n ON anchor.vec IS NOT NULL
      LEFT JOIN simili.product p ON p.id = n.product_id
      LEFT JOIN simili.product_image i ON i.product_id = n.product_id AND i.position = 0
    ORDER BY anchor.nr, n.l2, n.product_id`;
  const isCommon = behind === null && (way === 'passing' || way === NARROWEST);
  return { statement: { name: isCommon ? nameOf(text) : undefined, text }, values };
}

const nameOf = (text: string): string => `simili ${createHash('sha1').update(text).digest('base64url')}`;

const passing = (narrowing: string, most: number): string => `,
    passing AS MATERIALIZED (SELECT q.id FROM simili.product q WHERE ${narrowing} LIMIT ${most + 1})`;

type Parts = { limit: number; product: string; where: string };

/**
 * Equal distances (the same picture twice) rank by id, so that pages neither repeat nor lose a product: the index is asked
 * for more than the page, to see such a group whole, as Postgres before 17 cannot sort by id on top of the index.
 */
function nearest(table: string, way: Way, { limit, product, where }: Parts): string {
  const distance = 'e.vec <-> anchor.vec';
  if (way === 'passing')
    return `
      SELECT e.product_id, ${distance} AS l2, NULL::int AS looked, NULL::float8 AS farthest
      FROM passing q JOIN ${table} e ON e.product_id = q.id ${where} ORDER BY l2, e.product_id LIMIT ${limit}`;
  if (way === 'exact')
    return `
      SELECT e.product_id, (${distance}) + 0 AS l2, NULL::int AS looked, NULL::float8 AS farthest
      FROM ${table} e ${product} ${where} ORDER BY l2, e.product_id LIMIT ${limit}`;
  return `
      SELECT product_id, l2, looked, farthest FROM (
        SELECT found.*, count(*) OVER ()::int AS looked, max(l2) OVER () AS farthest
        FROM (SELECT e.product_id, ${distance} AS l2 FROM ${table} e ${product} ${where} ORDER BY ${distance} LIMIT ${limit + way}) AS found
      ) AS counted ORDER BY l2, product_id LIMIT ${limit}`;
}

function conditions(filter: SearchFilter, param: (value: unknown, type: string) => string) {
  const { available, categories, minPrice, maxPrice, excludeIds } = filter;
  const narrowing = [
    available === undefined ? null : `q.available = ${param(available, 'boolean')}`,
    categories === undefined ? null : `q.categories && ${param([...categories], 'text[]')}`,
    minPrice === undefined ? null : `q.price >= ${param(minPrice, 'numeric')}`,
    maxPrice === undefined ? null : `q.price <= ${param(maxPrice, 'numeric')}`,
  ].filter((part) => part !== null);
  const without = excludeIds?.length ? `AND e.product_id <> ALL(${param([...excludeIds], 'text[]')})` : '';
  return { narrowing: narrowing.join(' AND '), without };
}
