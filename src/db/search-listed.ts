import type { VersionSpace } from '../ports/space.ts';
import type { Statement } from './ask.ts';
import { embeddingTable } from './embedding-table.ts';
import { LISTED, type PartOfList } from './neighbour-lists.ts';
import { float, text } from './row.ts';
import { oneAnchor, scanSettings } from './search-anchor.ts';
import type { Listed, Parameter } from './search-parts.ts';
import { distanceSql } from './space-sql.ts';
import { nameOf } from './statement-name.ts';

/** Vectors written since the oldest list, up to which a page looks at them one by one: some .1 ms. */
const MOST_SINCE = 200;
/** Candidates of the scan that makes a list: behind the answer there is time to look farther than a page does. */
const EFFORT = '200';

/**
 * How candidates are ranked of which lists of neighbours were made before: as near as they are now, beside what was written since. Of all other products each was
 * looked for when its list was made, and is no nearer than its radius.
 * @param lists of each anchor, all of the same length
 */
export function listedSql(space: VersionSpace, table: string, lists: readonly PartOfList[], param: Parameter) {
  const length = lists[0]!.ids.length;
  const ids = param(
    lists.flatMap((list) => list.ids),
    'text[]',
  );
  const of = (values: readonly unknown[], type: string) => `(${param(values, `${type}[]`)})[anchor.nr::int]`;
  const radius = of(
    lists.map((list) => list.radius),
    'float8',
  );
  const snapshot = of(
    lists.map((list) => list.snapshot),
    'pg_snapshot',
  );
  // Whoever was on the way when the oldest list was made may have written since.
  const oldest = Math.min(...lists.map((list) => Number(list.snapshot.split(':')[0])));
  const isNew = `NOT pg_visible_in_snapshot(f.written, ${snapshot})`;
  const listed: Listed = {
    ids: `((${ids})[(anchor.nr::int - 1) * ${length} + 1 : anchor.nr::int * ${length}]
      || ARRAY(SELECT f.product_id FROM fresh f WHERE ${isNew} AND (${distanceSql(space, 'f.vec', 'anchor.vec')}) <= ${radius}))`,
    radius,
  };
  return {
    listed,
    /** In their order, from the oldest on: the planner knows no better way to few than the index then. */
    fresh: `, fresh AS MATERIALIZED (SELECT product_id, vec, written FROM ${table}
      WHERE written >= ${param(String(oldest), 'xid8')} ORDER BY written LIMIT ${MOST_SINCE + 1})`,
    /** Whether its list says nothing any more: the anchor's own vector is another one, or too many were written. */
    isLost: `((SELECT count(*) FROM fresh) > ${MOST_SINCE} OR EXISTS (SELECT FROM fresh f WHERE f.product_id = anchor.id AND ${isNew}))`,
  };
}

const Row = { id: text, l2: float, snapshot: text };

/** Asks for the nearest of a product and itself, as its index gives them, with what was committed then. */
export function listStatement(
  catalogId: string,
  model: number,
  space: VersionSpace,
  productId: string,
): { statement: Statement<typeof Row>; values: unknown[] } {
  const table = embeddingTable(catalogId, model, space.name);
  const distance = distanceSql(space, 'e.vec', 'anchor.vec');
  const tables = [
    { space, table, vec: 'vec', near: { table, only: () => '', isRanked: false, narrowing: '', hasAnchor: true } },
  ];
  const text = `
    WITH anchor AS MATERIALIZED (${oneAnchor('$2::text', tables, scanSettings('$3::text', '$4::text'))})
    SELECT n.id, n.l2, pg_current_snapshot()::text AS snapshot
    FROM anchor CROSS JOIN LATERAL (SELECT e.product_id AS id, ${distance} AS l2 FROM ${table} e
      WHERE anchor.vec IS NOT NULL ORDER BY ${distance} LIMIT ${LISTED + 1}) AS n`;
  return {
    statement: { name: nameOf(text), text, row: Row, isShort: true },
    values: [productId, catalogId, EFFORT, 'off'],
  };
}
