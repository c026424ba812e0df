import { setTimeout as sleep } from 'node:timers/promises';
import type { WithoutEncoder } from '@simili/worker/evidence/collect-seen';
import { FEWEST_PRODUCTS } from '@simili/worker/evidence/training-set';
import { startFleet } from '@simili/worker/fleet';
import { defineCommand } from 'citty';
import type { JobRow } from '../../src/db/jobs.ts';
import type { Gate, ModelRow } from '../../src/db/models.ts';
import { type App, openApp } from '../app.ts';
import { demoCatalog } from '../demo-catalog.ts';
import { describeImport } from '../import/describe.ts';
import { runImport } from '../import/run.ts';
import { showProgress } from '../progress.ts';
import { serveApi } from '../serve-api.ts';
import { startControl } from '../shop/control-server.ts';
import { untilStopped } from '../until-stopped.ts';

export const start = defineCommand({
  args: { demo: { type: 'boolean', description: 'Load the demo catalog into an empty database', default: true } },
  async run({ args }) {
    const since = performance.now();
    const say = (text: string) =>
      process.stdout.write(`${((performance.now() - since) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
    say('Opening the database');
    const app = await openApp();
    const api = await serveApi(app);
    say(`${app.storage.version}; API at ${api.url}`);
    if (api.newAdminKey) {
      say(`Admin key, shown this once: ${api.newAdminKey}`);
      say(`Open ${api.url}#admin=${api.newAdminKey} to watch it learn`);
    } else say(`Open ${api.url} to look around`);
    const endControl = app.storage.kind === 'pglite' ? await startControl(app) : async () => {};
    const fleet = startFleet({ ...app, alone: app.storage.kind === 'pglite' });
    const stopped = new AbortController();
    const done = untilStopped(
      async () => {
        stopped.abort();
        await endControl();
        await api.close();
        await (await fleet).close();
        await app.storage.close();
      },
      { begin: api.stopSoon, seconds: app.config.SIMILI_DRAIN_SECONDS },
    );
    await fleet;
    await tellOfProgress(app, args.demo, say, stopped.signal).catch((error: unknown) => {
      if (!stopped.signal.aborted) throw error;
    });
    await done;
  },
});

type Say = (text: string) => void;

/** Progress for a newcomer, in the order in which it happens. */
async function tellOfProgress(app: App, demo: boolean, say: Say, signal: AbortSignal): Promise<void> {
  const { repositories } = app;
  if (demo && (await repositories.products.count()) === 0) {
    const pictures = demoCatalog();
    say(
      pictures
        ? 'The catalog is empty: loading the demo pictures'
        : 'The catalog is empty. Demo pictures: npm install @simili/demo',
    );
    if (pictures) say(describeImport(await runImport(app, pictures, () => {})));
  }
  await followPictures(app, signal);
  if (!(await repositories.models.serving())) {
    say(await whatIsMissing(app));
    await untilServing(app, signal);
  }
  const active = await repositories.models.active();
  say(`similarItems answers from model ${active?.number}${withoutEncoder(active)}`);
  if (active?.kind === 'GOLDEN') await followFirstTraining(app, say, signal);
}

function withoutEncoder(active: ModelRow | null): string {
  const { training } = (active?.metrics ?? {}) as { training?: { withoutEncoder?: WithoutEncoder } };
  return training?.withoutEncoder ? `, without its encoder: ${training.withoutEncoder.why}` : '';
}

/** Why nothing is answered yet. */
async function whatIsMissing({ repositories: { products, images } }: App): Promise<string> {
  if ((await products.count()) === 0) return 'The catalog is empty: upsertProducts or simili import fills it';
  const need = FEWEST_PRODUCTS.GOLDEN;
  const { products: have } = await images.decoded(need);
  return have >= need
    ? 'Fitting the first model from what the encoder and hand-made features see'
    : `The first model needs ${need} products with a readable picture; there ${have === 1 ? 'is 1' : `are ${have}`}`;
}

async function followPictures({ repositories: { images } }: App, signal: AbortSignal): Promise<void> {
  const { pending } = await images.counts();
  const progress = showProgress('pictures decoded', pending);
  for (let left = pending; left > 0; { pending: left } = await images.counts()) {
    progress.update(pending - left);
    await sleep(200, null, { signal });
  }
  progress.update(pending);
  progress.stop();
}

async function untilServing({ repositories: { models } }: App, signal: AbortSignal): Promise<void> {
  while (!(await models.serving())) await sleep(250, null, { signal });
}

/** A version that learned well enough to finish may have a red gate; or it has served, and somebody rolled back since. */
async function describeEnd({ repositories: { models } }: App, { state, modelId }: JobRow): Promise<string> {
  const model = state === 'SUCCEEDED' && modelId ? await models.byId(modelId) : null;
  if (!model) return state.toLowerCase();
  const red = (model.gates as Gate[]).flatMap(({ name, passed }) => (passed ? [] : [name]));
  return red.length > 0
    ? `the quality gate ${red.join(' and ')} was red, the version before goes on serving`
    : `model ${model.number} has served, and another one serves now`;
}

/** The first training says how it goes and what came of it. */
async function followFirstTraining(app: App, say: Say, signal: AbortSignal): Promise<void> {
  const { jobs, models } = app.repositories;
  let last = '';
  for (;;) {
    await sleep(1000, null, { signal });
    const job = await jobs.last('RETRAIN');
    if (!job) continue;
    const message = job.message ?? '';
    const tenths = Math.floor(job.progress * 10);
    const now = `${message}${job.state === 'RUNNING' && tenths ? ` (${tenths * 10} %)` : ''}`;
    if (message && now !== last) say(`Learning: ${now}`);
    last = now;
    if (job.state === 'QUEUED' || job.state === 'RUNNING') continue;
    const active = await models.active();
    say(
      job.modelId === active?.id
        ? `Model ${active?.number} learned and promoted`
        : `Training ended: ${await describeEnd(app, job)}`,
    );
    return;
  }
}
