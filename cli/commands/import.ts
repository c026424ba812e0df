import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startFleet } from '@simili/worker/fleet';
import { defineCommand } from 'citty';
import { catalogOption } from '../options.ts';
import { showProgress } from '../progress.ts';
import { describeImport } from '../run-import.ts';
import { openShop, type Shop } from '../shop/open-shop.ts';

export const importCatalog = defineCommand({
  meta: {
    name: 'import',
    description: 'Load a catalog: a folder of pictures, a .csv or a .jsonl file (docs/catalog.md)',
  },
  args: {
    ...catalogOption,
    source: { type: 'positional', description: 'Folder or file', required: true },
    'allow-outside': {
      type: 'string',
      description: "Folders besides the catalog's own that its pictures may lie in, comma separated",
      default: '',
    },
  },
  async run({ args }) {
    const since = new Date().toISOString();
    const allowOutside = args['allow-outside']
      .split(',')
      .filter(Boolean)
      .map((folder) => resolve(folder));
    const shop = await openShop(args.catalog);
    let told = 0;
    const report = await shop.run('import', { source: resolve(args.source), allowOutside }, (rows) => {
      if (rows - told < 1000) return;
      told = rows;
      process.stdout.write(`  ${rows} rows\n`);
    });
    process.stdout.write(`${describeImport(report)}\n`);
    // On a Postgres the workers decode. An embedded database has none elsewhere: its pictures are waited for.
    if (shop.app?.storage.kind !== 'postgres') await untilDecoded(shop, since);
    await shop.close();
    if (report.problems.length) process.exitCode = 2;
  },
});

const LOOK_MS = 200;
const WAKE_MS = 2000;

/**
 * Shows the pictures' progress until none is left. Where no server runs, this process decodes them.
 * @param since failures of before were told by the import that had them.
 */
async function untilDecoded(shop: Shop, since: string): Promise<void> {
  const fleet = shop.app && (await startFleet({ ...shop.app, queues: ['ingest'], alone: true }));
  const first = await shop.run('pictures', { since });
  const progress = showProgress('pictures', first.pending);
  let now = first;
  for (let wokenAt = Date.now(); now.pending > 0; now = await shop.run('pictures', { since })) {
    progress.update(Math.max(0, first.pending - now.pending));
    await sleep(LOOK_MS);
    if (Date.now() - wokenAt < WAKE_MS) continue;
    wokenAt = Date.now();
    const { queue, repositories } = shop.app ?? {};
    if (repositories) await queue?.add('ingest', { catalog: repositories.catalog }); // pictures whose host is to be asked once more
  }
  progress.update(first.pending);
  progress.stop();
  process.stdout.write(`${now.ready} pictures ready, ${now.failed} failed\n`);
  for (const { id, why } of now.failures) process.stdout.write(`  ${id}: ${why}\n`);
  await fleet?.close();
}
