import pg from 'pg';
import { makeRandom } from '../learning/numbers/random.ts';
import { percentile } from './running.ts';
import { categoryOf, idOf, type ServingCatalog, SHARES, servingCatalog } from './serving-catalog.ts';
import { type Ask, similiWay } from './serving-ways.ts';

/** Products that each filter is asked with, and how many of these are compared with the exact ten nearest. */
const ASKED = 150;
const JUDGED = 20;
/** Pages before the first measurement, and of each filter before its own: code is compiled, statements are planned. */
const WARM = 3000;
const WARM_UNDER_FILTER = 20;
const TURNS = ['first', 'again'] as const;

type Row = Record<string, string | number>;

/**
 * Pages of twelve over HTTP, one client, under each filter: each product is asked for twice. Its first page is searched for, and later ones are made of the list that is
 * kept (docs/adr/0043-neighbour-lists.md). p50, ms, and recall@10 of each.
 * @param options.keep beginning of the name of a database that stays, the same as of `serving`
 */
export async function askedAgain({ products, keep }: { products: number; keep: string }): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: this is measured on a Postgres server with pgvector');
  await using catalog = await servingCatalog(admin, products, keep);
  const random = makeRandom(7);
  const draw = (most: number) => Array.from({ length: most }, () => idOf(random.int(products)));
  const client = new pg.Client({ connectionString: catalog.url });
  await client.connect();
  const { ask, close } = await similiWay(catalog).open(1);
  try {
    for (const id of draw(WARM)) await ask(id, null);
    const rows: Row[] = [];
    for (const share of [null, ...SHARES]) {
      for (const id of draw(WARM_UNDER_FILTER)) await ask(id, share);
      const row = await underFilter(ask, draw(ASKED), share, (id) => exactTen(client, catalog, id, share));
      rows.push({ products, share: share ?? 'none', ...row });
      process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
    }
    return rows;
  } finally {
    await close();
    await client.end();
  }
}

async function underFilter(
  ask: Ask,
  ids: readonly string[],
  share: number | null,
  exact: (id: string) => Promise<string[]>,
): Promise<Row> {
  const row: Row = {};
  const pages = new Map<string, string[][]>();
  for (const turn of TURNS) {
    const times: number[] = [];
    const found: string[][] = [];
    for (const id of ids) {
      const since = performance.now();
      found.push(await ask(id, share));
      times.push(performance.now() - since);
    }
    row[turn] = Number(percentile(times, 0.5).toFixed(2));
    pages.set(turn, found);
  }
  const judged: string[][] = [];
  for (const id of ids.slice(0, JUDGED)) judged.push(await exact(id));
  for (const [turn, found] of pages) row[`recall10 ${turn}`] = recallOfTen(found, judged);
  return row;
}

/** Share of the exact ten that are among the first ten of their page, to three digits; 1 where there are none. @param exact of the first pages */
export function recallOfTen(pages: readonly string[][], exact: readonly string[][]): number {
  const wanted = exact.flat().length;
  const right = exact.flatMap((ten, i) => ten.filter((id) => pages[i]!.slice(0, 10).includes(id))).length;
  return wanted === 0 ? 1 : Number((right / wanted).toFixed(3));
}

/** The ten nearest that pass, by a scan of all. */
export async function exactTen(
  client: pg.Client,
  { table }: Pick<ServingCatalog, 'table'>,
  id: string,
  share: number | null,
): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT e.product_id AS id FROM ${table} e JOIN simili.product p ON p.catalog_id = 'default' AND p.id = e.product_id
     WHERE e.product_id <> $1 AND ($2::text IS NULL OR p.categories && ARRAY[$2::text])
     ORDER BY (e.vec <-> (SELECT vec FROM ${table} WHERE product_id = $1)) + 0, e.product_id LIMIT 10`,
    [id, share === null ? null : categoryOf(share)],
  );
  return rows.map((row) => row.id);
}
