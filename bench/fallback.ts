import { FallbackRepository } from '../src/db/fallback.ts';
import { openPostgres } from '../src/db/postgres.ts';
import { percentile } from './running.ts';
import { categoryOf, SHARES, servingCatalog } from './serving-catalog.ts';

const LISTS = 20;
const LENGTH = 12;

type Row = Record<string, string | number>;

/**
 * Lists of a category that are shown where nothing can be compared (docs/adr/0023-fallback.md), of categories of each size: each found anew, and one after the other as a
 * server gives them. ms: the first, and p50 of twenty.
 * @param options.keep beginning of the name of a database that stays, the same as of `serving`
 */
export async function fallbackLists({ products, keep }: { products: number; keep: string }): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: this is measured on a Postgres server with pgvector');
  await using catalog = await servingCatalog(admin, products, keep);
  const { prisma, ask, close } = await openPostgres(catalog.url);
  const rows: Row[] = [];
  try {
    for (const share of SHARES.filter((one) => one > 0)) {
      const timesOf = async (lists: FallbackRepository) => {
        const times: number[] = [];
        for (let i = 0; i < LISTS; i++) {
          const since = performance.now();
          const anchor = { id: 'new', groupId: null };
          await lists.list({ anchor, categories: [categoryOf(share)], filter: {}, limit: LENGTH });
          times.push(performance.now() - since);
        }
        return times;
      };
      const anew = await timesOf(new FallbackRepository(prisma, ask, 'default', () => 0));
      const kept = await timesOf(new FallbackRepository(prisma, ask, 'default'));
      const row = {
        'each found anew': percentile(anew, 0.5),
        first: kept[0]!,
        'one after the other': percentile(kept, 0.5),
      };
      const rounded = Object.fromEntries(Object.entries(row).map(([name, ms]) => [name, Number(ms.toFixed(1))]));
      rows.push({ products, category: Math.round(products * share), ...rounded });
      process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
    }
    return rows;
  } finally {
    await close();
  }
}
