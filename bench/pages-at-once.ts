import pg from 'pg';
import { makeRandom } from '../learning/numbers/random.ts';
import { MOST_AT_ONCE, usualPagesAtOnce } from '../src/db/session/pages-at-once.ts';
import { compared, openAll, type Row, warm } from './serving.ts';
import { servingCatalog } from './serving-catalog.ts';
import { similiWay } from './serving-ways.ts';

const CLIENTS = 8;

/**
 * Eight clients over HTTP: servers that ask Postgres for more or fewer short pages at once, in turns, on one catalog. `timesOfTen`: pages a second beside those of the
 * server that asks for ten. Not a limit, but what docs/adr/0042-short-pages-take-turns.md chose by.
 * @param options.seconds of each measurement; there are three of each, of which the best counts
 */
export async function pagesAtOnce(options: { products: number; keep: string; seconds: number }): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: this is measured on a Postgres server with pgvector');
  await using catalog = await servingCatalog(admin, options.products, options.keep);
  const usual = usualPagesAtOnce(new pg.Client({ connectionString: catalog.url }).host);
  const numbers = [...new Set([2, usual, usual + 1, MOST_AT_ONCE])].filter((one) => one <= MOST_AT_ONCE);
  const ways = numbers.map((pages) => {
    const settings = { SIMILI_PAGES_AT_ONCE: String(pages), SIMILI_NEIGHBOUR_LISTS_BYTES: '0' }; // each page is a search
    return similiWay(catalog, settings, `${pages} at once${pages === usual ? ', usual here' : ''}`);
  });
  const servers = await openAll(ways);
  const random = makeRandom(7);
  const rows: Row[] = [];
  try {
    await warm(servers.values(), random);
    for (const page of ['twelve', 'fifty'] as const) {
      const load = { clients: CLIENTS, page, share: null, seconds: options.seconds };
      const found = await compared([...servers.values()], load, random);
      const ten = Number(found.at(-1)!.queriesPerSecond);
      rows.push(
        ...found.map((row) => ({ ...row, timesOfTen: Number((Number(row.queriesPerSecond) / ten).toFixed(2)) })),
      );
    }
  } finally {
    for (const { close } of servers.values()) await close();
  }
  return rows;
}
