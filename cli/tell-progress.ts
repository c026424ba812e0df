import { setTimeout as sleep } from 'node:timers/promises';
import type { WithoutEncoder } from '@simili/worker/evidence/collect-seen';
import { FEWEST_PRODUCTS } from '@simili/worker/evidence/training-set';
import type { JobRow } from '../src/db/jobs.ts';
import type { Gate, ModelRow } from '../src/db/models.ts';
import { SimiliError } from '../src/errors.ts';
import type { App } from './app.ts';
import { demoCatalog } from './demo-catalog.ts';
import { describeImport } from './import/describe.ts';
import { runImport } from './import/run.ts';
import { showProgress } from './progress.ts';

type Shop = Pick<App, 'repositories' | 'queue'>;
type Say = (text: string) => void;

/** Pause before what happens is told again, when the database was away. */
const AGAIN_MS = 1000;

/**
 * Tells a newcomer what happens, as it happens: the demo pictures, what is decoded, the first model and the first training.
 * @returns once all of it has ended; rejects when `signal` aborts.
 */
export async function tellOfProgress(shop: Shop, demo: boolean, say: Say, signal: AbortSignal): Promise<void> {
  const before = await lastEnded(shop);
  if (demo && (await shop.repositories.products.count()) === 0) await loadDemo(shop, say);
  // Side by side: the first model may serve long before the last picture is decoded.
  await Promise.all([
    throughOutages(() => followPictures(shop, signal), signal),
    throughOutages(() => followModels(shop, before, say, signal), signal),
  ]);
}

/** A server goes on while its database is away, and must not end over what is told of it: that begins again. */
async function throughOutages(follow: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await follow();
    } catch (error) {
      if (signal.aborted || !(error instanceof SimiliError && error.retry)) throw error;
      await sleep(AGAIN_MS, null, { signal });
    }
  }
}

async function loadDemo(shop: Shop, say: Say): Promise<void> {
  const pictures = demoCatalog();
  say(
    pictures
      ? 'The catalog is empty: loading the demo pictures'
      : 'The catalog is empty. Demo pictures: npm install @simili/demo',
  );
  if (pictures) say(describeImport(await runImport(shop, pictures, () => {})));
}

async function followPictures({ repositories: { images } }: Shop, signal: AbortSignal): Promise<void> {
  const { pending } = await images.counts();
  const progress = showProgress('pictures decoded', pending);
  try {
    for (let left = pending; left > 0; { pending: left } = await images.counts()) {
      progress.update(pending - left);
      await sleep(200, null, { signal });
    }
    progress.update(pending);
  } finally {
    progress.stop();
  }
}

async function followModels(shop: Shop, before: string | null, say: Say, signal: AbortSignal): Promise<void> {
  await untilServing(shop, say, signal);
  const active = await shop.repositories.models.active();
  say(`similarItems answers from model ${active?.number}${withoutEncoder(active)}`);
  if (active?.kind === 'GOLDEN') await followFirstTraining(shop, before, say, signal);
}

/** Says why nothing is answered yet, whenever that is something else. */
async function untilServing(shop: Shop, say: Say, signal: AbortSignal): Promise<void> {
  let told: string | null = null;
  while (!(await shop.repositories.models.serving())) {
    const missing = await whatIsMissing(shop);
    if (missing !== null && missing !== told) say(missing);
    told = missing ?? told;
    await sleep(500, null, { signal });
  }
}

/** @returns null while pictures are decoded, which their own progress tells. */
async function whatIsMissing({ repositories: { products, images, jobs } }: Shop): Promise<string | null> {
  if (isOnItsWay(await jobs.last('BOOTSTRAP')))
    return 'Fitting the first model from what the encoder and hand-made features see';
  if ((await images.counts()).pending > 0) return null;
  const need = FEWEST_PRODUCTS.GOLDEN;
  const { products: have } = await images.decoded(need);
  if (have >= need) return null; // it is begun in a moment
  if (have === 0 && (await products.count()) === 0)
    return 'The catalog is empty: upsertProducts or simili import fills it';
  return `The first model needs ${need} products with a readable picture; there ${have === 1 ? 'is 1' : `are ${have}`}`;
}

function withoutEncoder(active: ModelRow | null): string {
  const { training } = (active?.metrics ?? {}) as { training?: { withoutEncoder?: WithoutEncoder } };
  return training?.withoutEncoder ? `, without its encoder: ${training.withoutEncoder.why}` : '';
}

/** The training that had ended before this start: it is no news. */
async function lastEnded({ repositories: { jobs } }: Shop): Promise<string | null> {
  const job = await jobs.last('RETRAIN');
  return job && !isOnItsWay(job) ? job.id : null;
}

const isOnItsWay = (job: JobRow | null): boolean => job?.state === 'QUEUED' || job?.state === 'RUNNING';

/** The first training says how it goes and what came of it. @param before id of one that is not told of */
async function followFirstTraining(shop: Shop, before: string | null, say: Say, signal: AbortSignal): Promise<void> {
  const { jobs, models } = shop.repositories;
  let last = '';
  for (;;) {
    await sleep(1000, null, { signal });
    const job = await jobs.last('RETRAIN');
    if (!job || job.id === before) continue;
    const message = job.message ?? '';
    const tenths = Math.floor(job.progress * 10);
    const now = `${message}${job.state === 'RUNNING' && tenths ? ` (${tenths * 10} %)` : ''}`;
    if (message && now !== last) say(`Learning: ${now}`);
    last = now;
    if (isOnItsWay(job)) continue;
    const active = await models.active();
    say(
      job.modelId === active?.id
        ? `Model ${active?.number} learned and promoted`
        : `Training ended: ${await describeEnd(shop, job)}`,
    );
    return;
  }
}

/** A version that learned well enough to finish may have a red gate; or it has served, and somebody rolled back since. */
async function describeEnd({ repositories: { models } }: Shop, { state, modelId }: JobRow): Promise<string> {
  const model = state === 'SUCCEEDED' && modelId ? await models.byId(modelId) : null;
  if (!model) return state.toLowerCase();
  const red = (model.gates as Gate[]).flatMap(({ name, passed }) => (passed ? [] : [name]));
  return red.length > 0
    ? `the quality gate ${red.join(' and ')} was red, the version before goes on serving`
    : `model ${model.number} has served, and another one serves now`;
}
