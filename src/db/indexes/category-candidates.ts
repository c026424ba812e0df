import type { EmbeddingSpace } from '../../ports/space.ts';
import { scanSettings } from '../search/anchor.ts';
import { ALL_RANKED } from '../search/category.ts';
import { drawnSql, EFFORTS_WITHIN } from '../search/effort.ts';
import type { Ask } from '../sql/ask.ts';
import { float, int, orNull, type RowOf, text } from '../sql/row.ts';
import { distanceSql } from '../sql/space-sql.ts';

/** Products whose neighbours within the category are looked for: recall@10 is then known to within some half of a hundredth. */
const ANCHORS = 50;
const NEAREST = 10;
/** Mean recall@10 that is enough: as much above .98 as it is known. */
const LEAST_RECALL = 0.985;
/** Products of a category up to which all are ranked where its index finds too little: 35 ms of 100,000, for which 1,000 candidates take 12 to 24. */
const MOST_RANKED = 125_000;

/** A category among the copies of one space: their tables, its number, and how many products it has. */
export type CategoryCopies = {
  readonly vectors: string;
  readonly copies: string;
  readonly space: EmbeddingSpace;
  readonly number: number;
  readonly products: number;
};

/**
 * How many candidates a search by the index of one category takes to find nearly all of the ten nearest, by searches for some products beside the exact ones
 * (docs/adr/0048-candidates-that-were-measured.md).
 * @param efforts how many are tried, the fewest first
 * @returns one of them; ALL_RANKED where none finds enough and the products are no more than MOST_RANKED
 * @throws the driver's error; what `signal` aborts with
 */
export async function measureCandidates(
  ask: Ask,
  category: CategoryCopies,
  signal: AbortSignal | undefined,
  efforts: readonly number[] = EFFORTS_WITHIN,
): Promise<number> {
  const exact = await exactOf(ask, category, signal);
  for (const candidates of efforts) {
    signal?.throwIfAborted();
    if ((await recallOf(ask, category, candidates, exact)) >= LEAST_RECALL) return candidates;
  }
  return category.products <= MOST_RANKED ? ALL_RANKED : efforts.at(-1)!;
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
  { vectors, copies, number, space }: CategoryCopies,
  signal: AbortSignal | undefined,
): Promise<Exact[]> {
  const distance = distanceSql(space, 'e.vec', `(SELECT vec FROM ${vectors} WHERE product_id = $1)`);
  const nearest = {
    text: `
      SELECT count(*)::int AS wanted, max(l2)::float8 AS farthest
      FROM (SELECT (${distance}) + 0 AS l2 FROM ${copies} e
        WHERE e.category = ${number} AND e.product_id <> $1 ORDER BY l2 LIMIT ${NEAREST}) AS nearest`,
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

/** Share of the nearest that the index finds; another at the same distance is as good. */
async function recallOf(
  ask: Ask,
  { vectors, copies, number, space }: CategoryCopies,
  candidates: number,
  exact: readonly Exact[],
): Promise<number> {
  const wanted = exact.reduce((sum, one) => sum + one.wanted, 0);
  if (wanted === 0) return 1;
  const distance = distanceSql(space, 'e.vec', 'anchor.vec');
  const statement = {
    text: `
      WITH anchor AS MATERIALIZED (
        SELECT v.product_id, v.vec, one.farthest FROM ${scanSettings('$3::text', `'off'`)},
          unnest($1::text[], $2::float8[]) AS one (id, farthest) JOIN ${vectors} v ON v.product_id = one.id)
      SELECT count(*)::int AS found FROM anchor CROSS JOIN LATERAL (
        SELECT ${distance} AS l2 FROM ${copies} e
        WHERE e.category = ${number} AND e.product_id <> anchor.product_id ORDER BY ${distance} LIMIT ${NEAREST}) AS nearest
      WHERE nearest.l2 <= anchor.farthest`,
    row: { found: int },
  };
  const [ids, farthest] = [exact.map(({ id }) => id), exact.map((one) => one.farthest)];
  const [row] = await ask(statement, [ids, farthest, String(candidates)]);
  return row!.found / wanted;
}
