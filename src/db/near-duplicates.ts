import { PICTURES } from '../ports/space.ts';
import type { Statement } from './sql/ask.ts';
import { embeddingTable } from './sql/embedding-table.ts';
import { text } from './sql/row.ts';
import { nameOf } from './sql/statement-name.ts';

/** Products of a ranking whose pictures are compared with those before them. */
export type Compared = {
  /** Best first. */
  ids: readonly string[];
  /** How many of these, from the first on, are only compared with: they are not answered. */
  known: number;
  /** Most that are answered. */
  limit: number;
  /** Euclidean distance of each to one point in the space of the pictures, growing; null: there is none. */
  distances: readonly number[] | null;
  /** Products that are no part of the ranking: what looks like one of these is not answered, and stands for nothing else. */
  anchorIds: readonly string[];
  /** Euclidean distance under which two pictures are near-duplicates. */
  within: number;
};

/** Rounding of distances: float32 beside the halves that are stored. */
export const ROUNDING = 1e-5;

const Distinct = { id: text };

/**
 * Ids of the first products that are no near-duplicate of one that ranks before them, nor of an anchor. Products without a picture are none.
 *
 * By the triangle inequality two that are near each other are at nearly the same distance from any point, so each is compared with a thin
 * shell before it alone; from the first on, so that of a thousand equal pictures each meets the one that stands for them first; and one
 * after the other (a value, which cannot become a join), until there are enough.
 */
export function distinctStatement(
  catalogId: string,
  model: number,
  { ids, known, limit, distances, anchorIds, within }: Compared,
): { statement: Statement<typeof Distinct>; values: unknown[] } {
  const table = embeddingTable(catalogId, model, PICTURES);
  const sql = `
    WITH anchors AS MATERIALIZED (SELECT vec FROM ${table} WHERE product_id = ANY($3::text[])),
      listed AS MATERIALIZED (
        SELECT r.nr, r.l2, r.id, e.vec, EXISTS (SELECT FROM anchors a WHERE a.vec <-> e.vec < $4::float8) AS of_anchor
        FROM unnest($1::text[], $2::float8[]) WITH ORDINALITY AS r (id, l2, nr) LEFT JOIN ${table} e ON e.product_id = r.id
        ORDER BY r.nr)
    SELECT c.id FROM (SELECT * FROM listed WHERE nr > $5::int AND NOT of_anchor ORDER BY nr) AS c
    WHERE (
      SELECT 1 FROM listed b
      WHERE b.nr < c.nr AND b.l2 > c.l2 - $4::float8 - ${ROUNDING} AND NOT b.of_anchor AND b.vec <-> c.vec < $4::float8 LIMIT 1) IS NULL
    ORDER BY c.nr LIMIT $6::int`;
  const values = [[...ids], distances ? [...distances] : ids.map(() => 0), [...anchorIds], within, known, limit];
  return { statement: { name: nameOf(sql), text: sql, row: Distinct }, values };
}
