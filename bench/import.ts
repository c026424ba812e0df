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

const CATALOGS = [
  ['CSV', spreadsheet],
  ['Shopify', shopify],
  ['Google RSS', googleRss],
] as const;

/**
 * Import of large catalogs, as it was built, without any picture being fetched: rows a second and the highest resident memory of
 * the process, for a tenth of the products and for all. Reading is all but the database; the command `simili import` stores the
 * CSV too, in the embedded database and, with DATABASE_URL, in PostgreSQL. Linux only.
 * @param products of each catalog
 */
export async function importing({ products }: { products: number }): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [format, make] of CATALOGS) {
    for (const count of [Math.ceil(products / 10), products]) rows.push(...(await rowsOf(format, make(count))));
  }
  return rows;
}

async function rowsOf(format: string, catalog: ShopCatalog): Promise<Row[]> {
  const dir = await temporaryDir();
  try {
    const path = join(dir.path, catalog.file);
    await writeFile(path, catalog.content);
    const row = (step: string, { report, seconds, peakMb }: Awaited<ReturnType<typeof measured>>): Row => {
      const { created, problems, passedOver, joined } = report;
      if (created + problems.length + passedOver.length + joined !== catalog.rows)
        throw new Error(`${format}: rows were lost`);
      const perSecond = Math.round(catalog.rows / seconds);
      return {
        step,
        format,
        rows: catalog.rows,
        seconds: Number(seconds.toFixed(1)),
        rowsPerSecond: perSecond,
        peakMb,
      };
    };
    const read = row('reading', await measured(['--input-type=module', '--eval', readingOf(path, catalog)], {}));
    if (format !== 'CSV') return [read];
    const { map, locale, currency } = catalog.options;
    const options = Object.entries({ map, locale, currency }).flatMap(([k, value]) => (value ? [`--${k}`, value] : []));
    const command = ['dist/cli/main.js', 'import', path, ...options, '--json'];
    const data = { SIMILI_DATA_DIR: join(dir.path, 'data') };
    const rows = [read, row('embedded', await measured(command, data))];
    const url = process.env.DATABASE_URL;
    if (!url) return rows;
    await using database = await freshPostgresDatabase(url);
    return [...rows, row('PostgreSQL', await measured(command, { ...data, DATABASE_URL: database.url }))];
  } finally {
    await dir.remove();
  }
}

/** A program that does what an import does, with a shop that forgets everything. */
const readingOf = (source: string, { options }: ShopCatalog): string => `
  import { importCatalog } from './dist/cli/import/run.js';
  const products = { writeAll: async (all) => all.map(() => 'created') };
  const deps = { repositories: { catalog: 'default', products }, queue: { add: async () => {} } };
  console.log(JSON.stringify(await importCatalog(deps, ${JSON.stringify({ source, ...options })}, () => {})));`;

type Report = { created: number; joined: number; problems: unknown[]; passedOver: unknown[] };

/** Runs Node.js to its end. @throws Error when it fails; that rows were left out is no failure */
async function measured(args: readonly string[], settings: Record<string, string>) {
  const since = performance.now();
  const child = spawn(process.execPath, args, {
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
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(look);
  if (code !== 0 && code !== 2) throw new Error(`an import ended with ${code}`);
  return { report: JSON.parse(output) as Report, seconds: (performance.now() - since) / 1000, peakMb };
}
