import type { VersionSpace } from '../../ports/space.ts';
import { BYTES_OF_FLOAT8, float8Array } from '../sql/float8-bytes.ts';
import { byIndexSql, distanceSql } from '../sql/space-sql.ts';
import { LISTED, type PartOfList } from './neighbour-lists.ts';
import { type Listed, type Near, PASSING_IDS, type Parameter, rankedSql, rerankedSql } from './parts.ts';

/** Vectors and products written since the oldest list, up to which a page looks at them one by one: some .1 ms. */
const MOST_SINCE = 200;
/** The same that are looked at for these: a transaction that stays open for long has all that were written meanwhile among them. */
const MOST_LOOKED_AT = 2000;

/** Parts of a statement whose candidates are lists of neighbours: kept ones, or such as it makes. */
type ByLists = {
  listed: Listed;
  /** Tables of it, behind that of its anchors. */
  tables: string;
  /** Whether the page says nothing: the anchor itself looks otherwise, or the index looked elsewhere. */
  isLost: string;
  /** Whether more was written since the oldest list than is looked at one by one. */
  isOld: string;
  /** The list to be kept. */
  list: string;
};

/** The table that is searched, of one space, and whether lists hold only what is filed under something: then they lack what was filed there since. */
type Lists = { space: VersionSpace; table: string; catalog: string; isFiled: boolean };

/** Distances of its products alone. */
const ofListed = ({ distances }: PartOfList): Buffer => distances.subarray(0, LISTED * BYTES_OF_FLOAT8);

/** Stamps from the first that a list may lack, and none of transactions that are still to come: a database that was restored from a dump has such. */
const stampedSince = (stamp: string, begun: string): string =>
  `${stamp} >= (SELECT ${begun}) AND ${stamp} < (SELECT pg_snapshot_xmax(pg_current_snapshot())) ORDER BY ${stamp} LIMIT ${MOST_LOOKED_AT}`;

/**
 * Candidates by kept lists: those that look as they did when the anchor's was made, at the distance of then, beside what was written since. All other products were looked
 * for then, and are no nearer than its radius. A product that was renewed since (it was added, or lost its vectors) is not the one of the list.
 * @param lists of each anchor
 */
export function listedSql(
  { space, table, catalog, isFiled }: Lists,
  lists: readonly PartOfList[],
  param: Parameter,
): ByLists {
  const of = (values: readonly unknown[], type: string) => `(${param(values, `${type}[]`)})[anchor.nr::int]`;
  const ids = param(`{${lists.map((list) => list.ids.slice(1, -1)).join()}}`, 'text');
  const distances = param(float8Array(Buffer.concat(lists.map((list) => ofListed(list)))), 'float8[]');
  const length = of(
    lists.map((list) => list.length),
    'int',
  );
  const first = `(anchor.nr::int - 1) * ${LISTED} + 1`;
  const part = (array: string) => `(${array})[${first} : ${first} - 1 + ${length}]`;
  const radius = of(
    lists.map((list) => list.radius),
    'float8',
  );
  const snapshot = of(
    lists.map((list) => list.snapshot),
    'pg_snapshot',
  );
  const oldest = oldestOf(lists.map((list) => list.snapshot));
  // Whoever was on the way when it was made may have written since.
  const begun = param(oldest.split(':')[0], 'xid8');
  const isNew = `NOT pg_visible_in_snapshot(f.written, ${snapshot})`;
  const distance = (vec: string) => distanceSql(space, vec, 'anchor.vec');
  return {
    // In their order, from the oldest on: the planner knows no better way to few than the index then. A value that is selected looks the same to it whichever it is: it
    // saw that very few come behind this one, took the plan for all values to be dearer, and planned each page anew, for .4 ms.
    tables: `${isFiled ? refiled(catalog, begun) : ''}, since AS MATERIALIZED (
      (SELECT product_id, vec, written, TRUE AS looks FROM ${table} WHERE ${stampedSince('written', begun)})
      ${isFiled ? refiledVectors(table) : ''}),
    fresh AS MATERIALIZED (SELECT * FROM since WHERE NOT pg_visible_in_snapshot(written, ${param(oldest, 'pg_snapshot')}) LIMIT ${MOST_SINCE + 1})`,
    listed: {
      from: `(
        SELECT kept.product_id, kept.l2, ${snapshot} AS snapshot FROM unnest(${part(`${ids}::text[]`)}, ${part(distances)}) AS kept (product_id, l2)
        WHERE anchor.vec IS NOT NULL AND NOT EXISTS (SELECT FROM fresh f WHERE f.product_id = kept.product_id AND ${isNew})
        UNION ALL SELECT ${isFiled ? 'DISTINCT ON (f.product_id)' : ''} f.product_id, ${distance('f.vec')}, NULL FROM fresh f
        WHERE ${isNew} AND (${distance('f.vec')}) <= ${radius})`,
      holds: `(e.snapshot IS NULL OR pg_visible_in_snapshot(q.renewed, e.snapshot) OR q.renewed >= (SELECT pg_snapshot_xmax(pg_current_snapshot())))`,
      radius,
    },
    isLost: `EXISTS (SELECT FROM fresh f WHERE f.product_id = anchor.id AND f.looks AND ${isNew})`,
    isOld: `((SELECT count(*) FROM since) >= ${MOST_LOOKED_AT} OR ${isFiled ? `(SELECT count(*) FROM refiled) = ${MOST_LOOKED_AT} OR` : ''} (SELECT count(*) FROM fresh) > ${MOST_SINCE})`,
    list: 'NULL::text',
  };
}

/** Products that were filed otherwise since: those that never were are not in the index. */
const refiled = (
  catalog: string,
  begun: string,
): string => `, refiled AS MATERIALIZED (SELECT q.id, q.filed FROM simili.product q
  WHERE q.catalog_id = ${catalog} AND q.filed > '0'::xid8 AND ${stampedSince('q.filed', begun)})`;

/** Their vectors, looked up one by one whatever the planner thinks of how many they are. `looks`: whether the vector itself is new. */
const refiledVectors = (table: string): string => `
      UNION ALL SELECT v.product_id, v.vec, r.filed, FALSE FROM refiled r
        CROSS JOIN LATERAL (SELECT e.product_id, e.vec FROM ${table} e WHERE e.product_id = r.id OFFSET 0) AS v`;

/** The one that saw least: the numbers of transactions that it knows begin and end no later, and it has the most of them on their way. */
function oldestOf(snapshots: readonly string[]): string {
  const order = snapshots.map((snapshot) => {
    const [begun, , running = ''] = snapshot.split(':');
    return { snapshot, begun: Number(begun), next: nextOf(snapshot), running: running.length };
  });
  order.sort((a, b) => a.next - b.next || a.begun - b.begun || b.running - a.running);
  return order[0]!.snapshot;
}

/** The first transaction that was to come when a pg_snapshot was taken. */
export const nextOf = (snapshot: string): number => Number(snapshot.split(':')[1]);

/** Where the candidates of a new list are looked for. */
type Source = {
  space: VersionSpace;
  catalog: string;
  near: Near;
  /** All that pass are few, and are ranked one by one: as the way 'listing passing'. */
  isPassing: boolean;
};

/**
 * Candidates as the index gives them, or all of few, which become a list: of as many as one round gives the nearest LISTED that pass what the list is of, whichever groups
 * they are of. A page looks at the first of them. Where all that pass are fewer, nothing else is near, and the list's radius is infinite.
 * @param length how many of them: one of PARTS_OF_LIST
 */
export function listingSql(source: Source, length: number): ByLists {
  const { near, isPassing } = source;
  const others = 'FROM near WHERE near.nr = anchor.nr AND near.product_id <> anchor.id';
  const beyond = (l2: string) => (isPassing ? `coalesce(${l2}, 'infinity')` : l2);
  const mayBeKept = isPassing ? '(SELECT NOT many FROM passing)' : `array_length(ids, 1) > ${LISTED}`;
  // Ids of no product fill it up, infinitely far away: each list has as many, and one distance more, its longest part's radius.
  const filled = (array: string, filler: string, length: number) =>
    `(coalesce(${array}, '{}') || array_fill(${filler}, ARRAY[${length}]))[:${length}]`;
  const ids = filled('ids', `''::text`, LISTED);
  const distances = `(SELECT encode(string_agg(float8send(one.l2), ''::bytea ORDER BY one.nr), 'base64')
        FROM unnest(${filled('all_l2', `'infinity'::float8`, LISTED + 1)}) WITH ORDINALITY AS one (l2, nr))`;
  return {
    tables: `, near AS MATERIALIZED (SELECT anchor.nr, n.product_id, n.l2 FROM anchor CROSS JOIN LATERAL (${sourceSql(source)}) AS n)`,
    listed: {
      from: `(SELECT near.product_id, near.l2 ${others} ORDER BY near.l2 LIMIT ${length})`,
      holds: 'TRUE',
      radius: beyond(`(SELECT near.l2 ${others} ORDER BY near.l2 OFFSET ${length} LIMIT 1)`),
    },
    isLost: near.hasAnchor
      ? 'NOT EXISTS (SELECT FROM near WHERE near.nr = anchor.nr AND (near.product_id = anchor.id OR near.l2 = 0))'
      : 'FALSE',
    isOld: 'NULL::bool',
    list: `(
      SELECT CASE WHEN ${mayBeKept} THEN pg_current_snapshot()::text || ' ' || ${distances} || ' ' || (${ids})::text END
      FROM (SELECT array_agg(product_id) AS ids, array_agg(l2) AS all_l2 FROM (SELECT near.product_id, near.l2 ${others} ORDER BY near.l2) AS sorted) AS lists)`,
  };
}

/** The nearest of them: two more than a list has, the anchor and the next one, whose distance is its radius. */
function sourceSql({ space, catalog, near, isPassing }: Source): string {
  const distance = distanceSql(space, 'e.vec', 'anchor.vec');
  const [warm, most] = ['anchor.vec IS NOT NULL', LISTED + 2];
  const { table, only, narrowing, isRanked, binary, hasAnchor } = near;
  // `+ 0`: in no order that the index has.
  if (isPassing)
    return `SELECT e.product_id, (${distance}) + 0 AS l2 FROM ${table} e WHERE ${warm} AND e.product_id = ANY(${PASSING_IDS}) ORDER BY l2 LIMIT ${most}`;
  const product = narrowing && `JOIN simili.product q ON q.catalog_id = ${catalog} AND q.id = e.product_id`;
  const passes = narrowing && `(${hasAnchor ? 'e.product_id = anchor.id OR' : ''} (${narrowing}))`;
  const byIndex = byIndexSql(space, 'e.vec', 'anchor.vec');
  const passing = { product, condition: passes || 'TRUE' };
  const ranked = isRanked
    ? rankedSql(near, 'e', distance, warm)
    : binary && rerankedSql({ ...near, binary }, 'e', { distance, byIndex, where: warm }, passing);
  const l2 = ranked ? 'e.l2' : distance;
  return `SELECT e.product_id, ${l2} AS l2 FROM ${ranked || table} e ${product}
      WHERE ${warm} ${ranked ? '' : only('e')} ${passes && `AND ${passes}`} ORDER BY ${l2} LIMIT ${most}`;
}
