import { UNRELATED } from '../../ports/space.ts';
import { byIndexSql, distanceSql, squaredSql } from '../sql/space-sql.ts';
import { looked } from './groups.ts';
import { PASSING_IDS, type RankingParts, rankedSql, type Way } from './parts.ts';

/** Products beyond the page that are taken of each space: tried in this order, until no other product can be nearer. */
export const LOOKS = [50, 400, 2000];

/**
 * The ranking of a version with several spaces, by the weighted mean of their squared distances: what the concatenation of
 * their vectors, each times the root of its weight, would be ranked by. A space that knows nothing of one of the two counts
 * as UNRELATED.
 *
 * Each space's index gives its nearest, and what any of them gave is ranked by all (Fagin's threshold algorithm): a product
 * that none gave is at least as far, in each space, as the farthest that it gave. `farthest` is the mean of these, a bound below
 * which the ranking is complete; infinite where the spaces surely gave all that they have. `looked`: the most that one of them gave.
 *
 * A scan of an index ends behind `hnsw.max_scan_tuples`: where products are passed over on the way, few that it gave need not be all there are.
 */
export function fused(parts: RankingParts, way: Way): string {
  const { catalog, warm, limit, narrowing, without, behind, param } = parts;
  const total = parts.tables.reduce((sum, { space }) => sum + space.weight, 0);
  const tables = parts.tables.map((one) => ({ ...one, share: param(one.space.weight / total, 'float8') }));
  const distances = (alias: (i: number) => string): string =>
    tables
      .map(({ space, vec, share }, i) => `${share} * ${known(squaredSql(space, `${alias(i)}.vec`, `anchor.${vec}`))}`)
      .join(' + ');
  const place = behind && { l2: param(behind.l2, 'float8'), id: param(behind.productId, 'text') };
  const where = (id: string, alias: (i: number) => string): string =>
    [
      `${id} <> anchor.id`,
      ...(without ? [`${id} <> ALL(${without})`] : []),
      ...(place ? [`(${distances(alias)}, ${id}) > (${place.l2}, ${place.id})`] : []),
    ].join(' AND ');
  const own = (i: number): string => `x${i}`;
  const vectorsOf = (id: string, leftOut?: number): string =>
    tables
      .map(({ table }, i) => (i === leftOut ? '' : `LEFT JOIN ${table} x${i} ON x${i}.product_id = ${id}`))
      .join(' ');
  const other = (i: number): string => `v${i}`;
  const vectors = tables.map(({ table }, i) => `LEFT JOIN ${table} v${i} ON v${i}.product_id = q.id`).join(' ');
  const variants = { id: 'r.product_id', l2: 'r.l2', vectors, distance: distances(other) };
  const folded = (ranking: string): string =>
    `SELECT * FROM (${ranking}) AS r WHERE ${looked(parts, variants)} ORDER BY l2, product_id LIMIT ${limit}`;
  const hasAny = `(${tables.map((_, i) => `x${i}.vec IS NOT NULL`).join(' OR ')})`;
  if (typeof way === 'string') {
    const from = way === 'passing' ? `unnest(${PASSING_IDS})` : 'simili.product';
    const passes =
      way === 'exact' ? ['', `q.catalog_id = ${catalog}`, ...(narrowing ? [narrowing] : [])].join(' AND ') : '';
    return folded(`
      SELECT q.id AS product_id, ${distances(own)} AS l2, NULL::int AS looked, NULL::float8 AS farthest, NULL::bool AS lost
      FROM ${from} q${way === 'passing' ? ' (id)' : ''} ${vectorsOf('q.id')}
      WHERE (${warm}) AND ${hasAny} AND ${where('q.id', own)} ${passes} ORDER BY l2, q.id`);
  }
  const most = limit + way;
  const isWarm = (vec: string): string => `anchor.${vec} IS NOT NULL`;
  const given = tables.map(({ space, vec, near }, i) => {
    const raw = distanceSql(space, `x${i}.vec`, `anchor.${vec}`);
    const product = near.narrowing
      ? `JOIN simili.product q ON q.catalog_id = ${catalog} AND q.id = x${i}.product_id`
      : '';
    const ranked = near.isRanked
      ? `${rankedSql(near, `x${i}`, raw, `${isWarm(vec)} AND x${i}.vec IS NOT NULL`)} AS r${i} JOIN ${near.table} x${i} ON x${i}.product_id = r${i}.product_id`
      : `${near.table} x${i}`;
    const ownId = near.hasAnchor ? `x${i}.product_id = anchor.id` : 'FALSE';
    const rows = `SELECT x${i}.product_id, ${squaredSql(space, `x${i}.vec`, `anchor.${vec}`)} AS d, ${ownId} AS own
          FROM ${ranked} ${product} ${place ? vectorsOf(`x${i}.product_id`, i) : ''}
          WHERE ${isWarm(vec)} AND x${i}.vec IS NOT NULL ${near.only(`x${i}`)}
            AND (${ownId} OR (${near.narrowing && `${near.narrowing} AND`} ${where(`x${i}.product_id`, own)}))`;
    const byIndex = near.isRanked ? `r${i}.l2` : byIndexSql(space, `x${i}.vec`, `anchor.${vec}`);
    const wanted = most + Number(near.hasAnchor);
    // A binary index does not tell apart what is near: what it has as far as the nearest that are wanted says nothing of how near all others are.
    const nearest = near.binary
      ? `SELECT * FROM (${rows} ORDER BY ${byIndex} LIMIT ${Math.max(near.binary.candidates, 2 * wanted)}) AS given ORDER BY d LIMIT ${wanted}`
      : `${rows} ORDER BY ${byIndex} LIMIT ${wanted}`;
    return `given${i} AS MATERIALIZED (${nearest})`;
  });
  const others = tables.map((_, i) => `FROM given${i} WHERE NOT own`);
  const counts = others.map((those) => `(SELECT count(*) ${those})`);
  const areAll = tables.map(({ near }, i) =>
    near.isRanked || (!near.narrowing && !place) ? `${counts[i]} < ${most}` : 'FALSE',
  );
  const bounds = tables.map(
    ({ share, vec }, i) =>
      `${share} * CASE WHEN NOT (${isWarm(vec)}) OR ${areAll[i]} THEN ${UNRELATED} ELSE least(${UNRELATED}, (SELECT coalesce(max(d), 0) ${others[i]})) END`,
  );
  const isAll = tables.map(({ vec }, i) => `${isWarm(vec)} AND ${areAll[i]}`);
  const isLost = tables.map(
    ({ vec, near }, i) =>
      `${near.hasAnchor} AND ${isWarm(vec)} AND NOT EXISTS (SELECT FROM given${i} WHERE own OR d = 0)`,
  );
  return folded(`
      WITH ${given.join(', ')},
        given AS (${others.map((those) => `SELECT product_id ${those}`).join(' UNION ')}),
        bound AS (
          SELECT CASE WHEN ${isAll.join(' AND ')} THEN 'infinity'::float8 ELSE ${bounds.join(' + ')} END AS farthest,
            greatest(${counts.join(', ')})::int AS looked, (${isLost.join(' OR ')}) AS lost)
      SELECT given.product_id, ${distances((i) => `x${i}`)} AS l2, bound.looked, bound.farthest, bound.lost
      FROM given CROSS JOIN bound ${vectorsOf('given.product_id')}
      ORDER BY l2, given.product_id`);
}

/** A null distance, where one of the two has no vector. */
const known = (squared: string): string => `coalesce(${squared}, ${UNRELATED})`;
