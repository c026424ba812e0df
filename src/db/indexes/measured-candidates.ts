import type { IndexedSpace } from '../../ports/space.ts';
import { scanSettings } from '../search/anchor.ts';
import { drawnSql, EFFORTS_WITHIN } from '../search/effort.ts';
import { rerankedSql } from '../search/parts.ts';
import type { Ask } from '../sql/ask.ts';
import { float, int, orNull, type RowOf, text } from '../sql/row.ts';
import { byIndexSql, distanceSql } from '../sql/space-sql.ts';

/** Products whose neighbours are looked for: recall@10 is then known to within some half of a hundredth. */
const ANCHORS = 50;
const NEAREST = 10;
/** Mean recall@10 that is enough: as much above .98 as it is known. */
const LEAST_RECALL = 0.985;

/** An index of neighbours and what it is searched for: rows `e` of `table` that are meant (`only`, SQL; all: TRUE). `vectors`: the table that has the anchors, of any category. */
export type Indexed = {
  readonly vectors: string;
  readonly table: string;
  readonly only: string;
  readonly space: IndexedSpace;
};

/** `recall10`: of the ten nearest, 0 to 1; null: nothing was there to be found. */
export type MeasuredCandidates = { readonly candidates: number; readonly recall10: number | null };

/**
 * How many candidates of an index it takes to find nearly all of the ten nearest, by searches for some products beside the exact ones
 * (docs/adr/0048-candidates-that-were-measured.md). Of a binary index, as many are ranked anew.
 * @param efforts how many are tried, the fewest first
 * @returns `isEnough` false: the last of them, which do not
 * @throws the driver's error; what `signal` aborts with
 */
export async function measureCandidates(
  ask: Ask,
  indexed: Indexed,
  signal: AbortSignal | undefined,
  efforts: readonly number[] = EFFORTS_WITHIN,
): Promise<MeasuredCandidates & { readonly isEnough: boolean }> {
  const exact = await exactOf(ask, indexed, signal);
  let last: MeasuredCandidates = { candidates: efforts.at(-1)!, recall10: null };
  for (const candidates of efforts) {
    signal?.throwIfAborted();
    last = { candidates, recall10: await recallOf(ask, indexed, candidates, exact) };
    if ((last.recall10 ?? 1) >= LEAST_RECALL) return { ...last, isEnough: true };
  }
  return { ...last, isEnough: false };
}

/**
 * Products of any category, the same ones as long as the table is the same: a shopper may ask any of them for what looks like it in this one. Some of many that are drawn, as what
 * was written together is drawn together.
 */
const anchorsSql = (vectors: string): string =>
  `SELECT product_id AS id FROM ${vectors} ${drawnSql(vectors)} ORDER BY md5(product_id) LIMIT ${ANCHORS}`;

/** An anchor, how many of its nearest there are, up to NEAREST, and the distance of the last of them. */
type Exact = { id: string } & RowOf<typeof Nearest>;
const Nearest = { wanted: int, farthest: orNull(float) };

/** By a scan of all for each, so that a job that is cancelled waits for one. */
async function exactOf(
  ask: Ask,
  { vectors, table, only, space }: Indexed,
  signal: AbortSignal | undefined,
): Promise<Exact[]> {
  const distance = distanceSql(space, 'e.vec', `(SELECT vec FROM ${vectors} WHERE product_id = $1)`);
  const nearest = {
    text: `
      SELECT count(*)::int AS wanted, max(l2)::float8 AS farthest
      FROM (SELECT (${distance}) + 0 AS l2 FROM ${table} e
        WHERE ${only} AND e.product_id <> $1 ORDER BY l2 LIMIT ${NEAREST}) AS nearest`,
    row: Nearest,
  };
  const exact: Exact[] = [];
  for (const { id } of await ask({ text: anchorsSql(vectors), row: { id: text } }, [])) {
    signal?.throwIfAborted();
    const [row] = await ask(nearest, [id]);
    exact.push({ id, ...row! });
  }
  return exact;
}

/** Share of the nearest that the index finds; another at the same distance is as good. Null: there are none. */
async function recallOf(
  ask: Ask,
  { vectors, table, only, space }: Indexed,
  candidates: number,
  exact: readonly Exact[],
): Promise<number | null> {
  const wanted = exact.reduce((sum, one) => sum + one.wanted, 0);
  if (wanted === 0) return null;
  const distance = distanceSql(space, 'e.vec', 'anchor.vec');
  const byIndex = byIndexSql(space, 'e.vec', 'anchor.vec');
  const how = { distance, byIndex, where: 'TRUE' };
  const given = { table, only: () => `AND ${only}`, binary: { candidates, arePassing: false } };
  const [rows, l2] = space.isBinary
    ? [`${rerankedSql(given, 'e', how)} e WHERE TRUE`, 'e.l2']
    : [`${table} e WHERE ${only}`, distance];
  const nearest = `SELECT ${l2} AS l2 FROM ${rows} AND e.product_id <> anchor.product_id ORDER BY ${l2} LIMIT ${NEAREST}`;
  const statement = {
    text: `
      WITH anchor AS MATERIALIZED (
        SELECT v.product_id, v.vec, one.farthest FROM ${scanSettings('$3::text', `'off'`)},
          unnest($1::text[], $2::float8[]) AS one (id, farthest) JOIN ${vectors} v ON v.product_id = one.id)
      SELECT count(*)::int AS found FROM anchor CROSS JOIN LATERAL (${nearest}) AS nearest
      WHERE nearest.l2 <= anchor.farthest`,
    row: { found: int },
  };
  const [ids, farthest] = [exact.map(({ id }) => id), exact.map((one) => one.farthest)];
  const [row] = await ask(statement, [ids, farthest, String(candidates)]);
  return row!.found / wanted;
}
