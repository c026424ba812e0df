import { byIndexSql, distanceSql } from '../sql/space-sql.ts';
import { joined, looked, type Variants } from './groups.ts';
import { PASSING_IDS, type RankingParts, rankedSql, rerankedSql, type Way } from './parts.ts';

/** Products at equal distance that are ranked together: tried in this order, as most pages see none. */
export const TIES = [3, 50, 1000];

/**
 * The ranking of a version with one space, in the order of pgvector's own distance.
 *
 * Equal distances (the same picture twice) rank by id, so that pages neither repeat nor lose a product: the index is asked
 * for more than the page, to see such a group whole, as Postgres before 17 cannot sort by id on top of the index.
 *
 * A scan of the index looks each product up, for its group: what a page shows of it is brought along (`carried`) and not looked up again.
 */
export function nearest(parts: RankingParts, way: Way): string {
  const { catalog, tables, warm, limit, narrowing, without, behind, carried, listed, param } = parts;
  const [{ space, table, vec, near }] = tables as [RankingParts['tables'][number]];
  const distance = distanceSql(space, 'e.vec', `anchor.${vec}`);
  const place = behind && `(${param(behind.l2, 'float8')}, ${param(behind.productId, 'text')})`;
  const placed = (l2 = distance) =>
    `${without ? `AND e.product_id <> ALL(${without})` : ''} ${place ? `AND (${l2}, e.product_id) > ${place}` : ''}`;
  const where = `WHERE ${warm} AND e.product_id <> anchor.id ${placed()}`;
  const product = `JOIN simili.product q ON q.catalog_id = ${catalog} AND q.id = e.product_id`;
  const variants = (id: string, l2: string): Variants => ({
    id,
    l2,
    vectors: `JOIN ${table} v ON v.product_id = q.id`,
    distance: distanceSql(space, 'v.vec', `anchor.${vec}`),
  });
  const sorted = (from: string) => `
      SELECT * FROM (
        SELECT e.product_id, (${distance}) + 0 AS l2, NULL::int AS looked, NULL::float8 AS farthest, NULL::bool AS lost
        FROM ${table} e ${from} ORDER BY l2, e.product_id
      ) AS r WHERE ${looked(parts, variants('r.product_id', 'r.l2'))} ORDER BY l2, product_id LIMIT ${limit}`;
  // As an array, and not as a join: whatever the planner thinks of how many pass, their vectors are looked up one by one. `+ 0`: in
  // no order that the index has, which ends somewhere.
  if (way === 'passing') return sorted(`${where} AND e.product_id = ANY(${PASSING_IDS})`);
  if (way === 'exact') return sorted(`${narrowing && `${product} AND ${narrowing}`} ${where}`);
  // `coalesce`: these few are looked up, whatever index there is for the condition.
  if (listed)
    return `
      SELECT e.product_id, e.l2, NULL::int AS looked, ${listed.radius} AS farthest, ${carried}
      FROM ${listed.from} AS e ${product} WHERE e.product_id <> anchor.id AND ${listed.holds} ${placed('e.l2')}
        ${narrowing && `AND coalesce(${narrowing}, FALSE)`} AND ${joined(parts, variants('e.product_id', 'e.l2'))}
      ORDER BY e.l2, e.product_id LIMIT ${limit}`;
  const { isRanked, binary } = near;
  // It is in no list of its own, but nearest of all: an index that does not give it looked elsewhere.
  const own = near.hasAnchor ? 'e.product_id = anchor.id' : 'FALSE';
  const passesAt = (l2: string) => {
    const asked = near.narrowing && `${near.narrowing} AND`;
    return `(${own} OR (e.product_id <> anchor.id AND ${asked} ${joined(parts, variants('e.product_id', l2))} ${placed(l2)}))`;
  };
  const byIndex = byIndexSql(space, 'e.vec', `anchor.${vec}`);
  const passing = { product, condition: passesAt(distance) };
  const ranked = isRanked
    ? rankedSql(near, 'e', distance, warm)
    : binary && rerankedSql({ ...near, binary }, 'e', { distance, byIndex, where: warm }, passing);
  const l2 = ranked ? 'e.l2' : distance;
  const only = ranked ? '' : near.only('e');
  return `
      SELECT * FROM (
        SELECT found.*, count(*) FILTER (WHERE NOT own) OVER ()::int AS looked, max(l2) OVER () AS farthest,
          ${near.hasAnchor} AND NOT bool_or(own OR l2 = 0) OVER () AS lost
        FROM (SELECT e.product_id, ${l2} AS l2, ${own} AS own, ${carried} FROM ${ranked || near.table} e ${product}
          WHERE ${warm} ${only} AND ${passesAt(l2)}
          ORDER BY ${l2} LIMIT ${limit + Number(way) + Number(near.hasAnchor)}) AS found
      ) AS counted WHERE NOT own ORDER BY l2, product_id LIMIT ${limit}`;
}
