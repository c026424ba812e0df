import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineCommand } from 'citty';
import { SimiliError } from '../../src/errors.ts';
import { wakeIngest } from '../../src/queue/wake-ingest.ts';
import { describeImport, exitCodeOf } from '../import/describe.ts';
import { MOST_REMOVED } from '../import/mirror.ts';
import { loadCommand } from '../load-command.ts';
import { catalogOption } from '../options.ts';
import { showProgress } from '../progress.ts';
import { openShop, type Shop } from '../shop/open-shop.ts';
import type { Pictures } from '../shop/operations.ts';

export const importCatalog = defineCommand({
  args: {
    ...catalogOption,
    source: { type: 'positional', description: 'Folder or file', required: true },
    map: { type: 'string', description: 'Columns with names of their own: image=image_link,title=Name' },
    locale: { type: 'string', description: 'Whose decimals the prices have: de-DE reads 1.234,50' },
    currency: { type: 'string', description: 'Of prices that name none: EUR' },
    'dry-run': { type: 'boolean', description: 'Say what would happen, and store nothing', default: false },
    mirror: { type: 'boolean', description: 'Products that the file does not name leave the shop', default: false },
    'remove-at-most': {
      type: 'string',
      description: 'Percent of the products that --mirror may remove',
      default: String(MOST_REMOVED),
    },
    'refresh-pictures': {
      type: 'boolean',
      description: 'Ask for all pictures again, in case they changed',
      default: false,
    },
    'allow-outside': {
      type: 'string',
      description: "Folders besides the catalog's own that its pictures may lie in, comma separated",
      default: '',
    },
    json: { type: 'boolean', description: 'One JSON object on stdout, progress on stderr', default: false },
  },
  async run({ args }) {
    const since = new Date().toISOString();
    const dryRun = args['dry-run'];
    const out = args.json ? process.stderr : process.stdout;
    const request = {
      source: resolve(args.source),
      allowOutside: args['allow-outside']
        .split(',')
        .filter(Boolean)
        .map((folder) => resolve(folder)),
      map: args.map,
      locale: args.locale,
      currency: args.currency,
      dryRun,
      mirror: args.mirror,
      removeAtMost: percentOf(args['remove-at-most']),
      refreshPictures: args['refresh-pictures'],
    };
    const shop = await openShop(args.catalog);
    // On a Postgres the workers decode. An embedded database has none elsewhere: its pictures are waited for.
    const isWaitedFor = !dryRun && shop.app?.storage.kind !== 'postgres';
    // Where no server runs, this process decodes them: without that package nothing is begun.
    const fleet = isWaitedFor && shop.app && (await loadCommand('simili import', () => import('@simili/worker/fleet')));
    let told = 0;
    const report = await shop.run('import', request, (rows) => {
      if (rows - told < 1000) return;
      told = rows;
      out.write(`  ${rows} rows\n`);
    });
    if (!args.json) out.write(`${describeImport(report, dryRun)}\n`);
    const decoders =
      shop.app && fleet ? await fleet.startFleet({ ...shop.app, queues: ['ingest'], alone: true }) : null;
    const pictures = isWaitedFor ? await untilDecoded(shop, since, out) : null;
    await decoders?.close();
    if (args.json) process.stdout.write(`${JSON.stringify({ dryRun, ...report, pictures })}\n`);
    else if (pictures) out.write(`${describePictures(pictures)}\n`);
    await shop.close();
    process.exitCode = exitCodeOf(report);
  },
});

function percentOf(text: string): number {
  const percent = Number(text);
  if (text.trim() !== '' && percent >= 0 && percent <= 100) return percent;
  throw new SimiliError('INVALID_ARGUMENT', { argument: 'remove-at-most', why: `must be from 0 to 100, not ${text}` });
}

const describePictures = ({ ready, failed, failures }: Pictures): string =>
  [`${ready} pictures ready, ${failed} failed`, ...failures.map(({ id, why }) => `  ${id}: ${why}`)].join('\n');

const LOOK_MS = 200;
const WAKE_MS = 2000;

/**
 * Shows the pictures' progress until none is left.
 * @param since failures of before were told by the import that had them.
 */
async function untilDecoded(shop: Shop, since: string, out: NodeJS.WriteStream): Promise<Pictures> {
  const first = await shop.run('pictures', { since });
  const progress = showProgress('pictures', first.pending, out);
  let now = first;
  for (let wokenAt = performance.now(); now.pending > 0; now = await shop.run('pictures', { since })) {
    progress.update(Math.max(0, first.pending - now.pending));
    await sleep(LOOK_MS);
    if (performance.now() - wokenAt < WAKE_MS) continue;
    wokenAt = performance.now();
    const { queue, repositories } = shop.app ?? {};
    if (repositories && queue) await wakeIngest(queue, repositories.catalog); // pictures whose host is to be asked once more
  }
  progress.update(first.pending);
  progress.stop();
  return now;
}
