import { meanSql, storedSql } from '../sql/space-sql.ts';
import type { RankingParts } from './parts.ts';

type Tables = RankingParts['tables'];

/** Settings of the index scan, made where the anchor's row is read. @param effort candidates of a round, and `order` of further ones, both SQL of a text */
export const scanSettings = (effort: string, order: string): string =>
  `(SELECT set_config('hnsw.ef_search', ${effort}, true), set_config('hnsw.iterative_scan', ${order}, true)) AS settings`;

/** One row for each of the anchors $1, with its vectors. They are selected: Postgres then expects ten of them with the values and without, and does not plan each page anew. */
export const eachAnchor = (catalog: string, tables: Tables, settings: string): string =>
  anchorRows('unnest((SELECT $1::text[])) WITH ORDINALITY AS a (id, nr)', catalog, tables, settings);

/** The same of the one anchor $1, a text: Postgres knows that it is one row, and plans for that. */
export const oneAnchor = (catalog: string, tables: Tables, settings: string): string =>
  anchorRows('(SELECT $1::text, 1) AS a (id, nr)', catalog, tables, settings);

const anchorRows = (anchors: string, catalog: string, tables: Tables, settings: string): string => `
      SELECT a.nr, p.id, p.group_id, ${tables.map(({ vec }, i) => `e${i}.vec AS ${vec}`).join(', ')}
      FROM ${settings},
        ${anchors}
        LEFT JOIN simili.product p ON p.catalog_id = ${catalog} AND p.id = a.id
        ${tables.map(({ table }, i) => `LEFT JOIN ${table} e${i} ON e${i}.product_id = a.id`).join(' ')}
    `;

/**
 * One row for all of the anchors $1 together: in each space the mean of those that have a vector, put back to unit length. No product
 * has the empty id; it is null where none of the anchors is a product.
 */
export const meanAnchor = (catalog: string, tables: Tables, settings: string): string => `
      SELECT 1 AS nr, CASE WHEN count(p.id) > 0 THEN '' END AS id, array_agg(p.group_id) AS group_ids,
        ${tables.map(({ space, table, vec }) => `${meanSql(space, table, '$1::text[]')} AS ${vec}`).join(', ')}
      FROM ${settings} LEFT JOIN simili.product p ON p.catalog_id = ${catalog} AND p.id = ANY($1::text[])
    `;

/** One row for the vector $1, which is no product's, in the first space. */
export const givenAnchor = (tables: Tables, settings: string): string => `
      SELECT 1 AS nr, '' AS id, NULL::text[] AS group_ids, ${storedSql(tables[0]!.space, '$1::vector')} AS ${tables[0]!.vec}
      FROM ${settings}
    `;
