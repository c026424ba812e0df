import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freshPostgresDatabase } from '../test/support/services.ts';
import { googleRss } from '../test/support/shop-catalogs/google.ts';
import { spreadsheet } from '../test/support/shop-catalogs/others.ts';
import type { ShopCatalog } from '../test/support/shop-catalogs/sheet.ts';
import { shopify } from '../test/support/shop-catalogs/shopify.ts';
import { temporaryDir } from './running.ts';

type Row = Record<string, string | number>;
const LOOK_MS = 50;

/**
 * `simili import` of large catalogs into the Postgres of DATABASE_URL, as it was built, without any picture being fetched: rows
 * a second and the highest resident memory of the command, for a tenth of the products and for all. Linux only.
 * @param products of each catalog
 */
export async function importing({ products }: { products: number }): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: an embedded database has its pages in the memory that is measured');
  const rows: Row[] = [];
  for (const [format, make] of [
    ['CSV', spreadsheet],
    ['Shopify', shopify],
    ['Google RSS', googleRss],
  ] as const) {
    for (const count of [Math.ceil(products / 10), products]) rows.push(await rowOf(admin, format, make(count)));
  }
  return rows;
}

async function rowOf(admin: string, format: string, catalog: ShopCatalog): Promise<Row> {
  const dir = await temporaryDir();
  await using database = await freshPostgresDatabase(admin);
  try {
    const path = join(dir.path, catalog.file);
    await writeFile(path, catalog.content);
    const { map, locale, currency } = catalog.options;
    const options = Object.entries({ map, locale, currency }).flatMap(([name, value]) =>
      value ? [`--${name}`, value] : [],
    );
    const run = await runImport([path, ...options], {
      DATABASE_URL: database.url,
      SIMILI_DATA_DIR: join(dir.path, 'data'),
    });
    const { created, problems, passedOver, joined } = run.report;
    if (created + problems.length + passedOver.length + joined !== catalog.rows)
      throw new Error(`${format}: rows were lost`);
    const { seconds, peakMb } = run;
    return {
      format,
      rows: catalog.rows,
      created,
      seconds: Math.round(seconds),
      rowsPerSecond: Math.round(catalog.rows / seconds),
      peakMb,
    };
  } finally {
    await dir.remove();
  }
}

type Report = { created: number; joined: number; problems: unknown[]; passedOver: unknown[] };

async function runImport(args: readonly string[], settings: Record<string, string>) {
  const since = performance.now();
  const child = spawn(process.execPath, ['dist/cli/main.js', 'import', ...args, '--json'], {
    env: { PATH: process.env.PATH, ...settings },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  let peakMb = 0;
  const look = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    peakMb = Math.max(peakMb, Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024));
  }, LOOK_MS);
  const [code] = await once(child, 'close');
  clearInterval(look);
  if (code !== 0 && code !== 2) throw new Error(`simili import ended with ${code}`);
  return { report: JSON.parse(output) as Report, seconds: (performance.now() - since) / 1000, peakMb };
}
