import { setTimeout as sleep } from 'node:timers/promises';
import { defineCommand } from 'citty';
import { readCatalog } from '../../src/catalog/import/index.ts';
import { startFleet } from '../../workers/fleet.ts';
import { type App, openApp } from '../app.ts';
import { showProgress } from '../progress.ts';
import { describeImport, runImport } from '../run-import.ts';

export const importCatalog = defineCommand({
  meta: {
    name: 'import',
    description: 'Load a catalog: a folder of pictures, a .csv or a .jsonl file (docs/catalog.md)',
  },
  args: { source: { type: 'positional', description: 'Folder or file', required: true } },
  async run({ args }) {
    const since = new Date();
    const app = await openApp();
    let seen = 0;
    const report = await runImport(app, readCatalog(args.source), (rows) => {
      if (rows - seen < 1000) return;
      seen = rows;
      process.stdout.write(`  ${rows} rows\n`);
    });
    process.stdout.write(`${describeImport(report)}\n`);
    // An embedded database has no workers elsewhere: the pictures are decoded here and now.
    if (app.storage.kind === 'pglite') await decodeHere(app, since);
    else await app.queue.close();
    await app.storage.close();
    if (report.problems.length) process.exitCode = 2;
  },
});

const WAKE_MS = 2000;

/** @param since failures of before were told by the import that had them. */
async function decodeHere(app: App, since: Date): Promise<void> {
  const { images } = app.repositories;
  const { pending } = await images.counts();
  const fleet = await startFleet({ ...app, queues: ['ingest'], alone: true });
  const progress = showProgress('pictures', pending);
  let wokenAt = Date.now();
  for (let left = pending; left > 0; { pending: left } = await images.counts()) {
    progress.update(pending - left);
    await sleep(200);
    if (Date.now() - wokenAt < WAKE_MS) continue;
    wokenAt = Date.now();
    await app.queue.add('ingest', {}); // pictures whose host is to be asked once more
  }
  progress.update(pending);
  progress.stop();
  const { ready, failed } = await images.counts(since);
  process.stdout.write(`${ready} pictures ready, ${failed} failed\n`);
  for (const { productId, failure } of await images.failures(50, since))
    process.stdout.write(`  ${productId}: ${failure}\n`);
  await fleet.close();
}
