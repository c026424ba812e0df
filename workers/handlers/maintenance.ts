import { STALE_AFTER_SECONDS } from '../../src/db/jobs.ts';
import { SimiliError } from '../../src/errors.ts';
import { enqueuePhase } from '../../src/models/enqueue.ts';
import type { Chore } from '../chores.ts';
import type { WorkerContext } from '../context.ts';
import { FEWEST_PRODUCTS } from '../training-set.ts';

/** Standby versions beyond the one that rollback takes by itself. */
const KEEP_STANDBY = 2;
const BOOTSTRAP_EVERY_MS = 60_000;
/** Decoded pictures that make a good first model although more are on their way. */
const PLENTY = 2000;

/** What keeps the house in order, on whichever worker gets there. All of it may run twice. */
export const chores = (context: WorkerContext): Chore[] => [
  { name: 'requeue', everySeconds: 1, work: () => requeueAbandoned(context, STALE_AFTER_SECONDS) },
  {
    name: 'maintenance',
    everySeconds: 5,
    async work() {
      await wakeIngest(context);
      await startFirstModels(context);
      await retireVersions(context);
    },
  },
];

/** Jobs whose worker is gone, and jobs whose queue message was lost between two commits. */
export async function requeueAbandoned({ repositories, queue }: WorkerContext, staleSeconds: number): Promise<void> {
  for (const job of await repositories.jobs.reclaim(staleSeconds)) await enqueuePhase(queue, job);
}

/** Pictures whose wake-up was lost, and products that arrived while a version was on its way to serving. */
async function wakeIngest({ repositories: { images, models, embeddings }, queue }: WorkerContext): Promise<void> {
  const waiting = await images.countClaimable();
  const behind = await Promise.all((await models.live()).map(({ number }) => embeddings.countMissing(number)));
  if (waiting > 0 || behind.some((n) => n > 0)) await queue.add('ingest', {});
}

/** A shop's first answers come from hand-made features, its first network follows by itself; later ones are asked for. */
async function startFirstModels({ repositories, queue }: WorkerContext): Promise<void> {
  const { jobs, models, images } = repositories;
  const counts = await images.counts();
  const serving = await models.serving();
  const enough = counts.pending > 0 ? PLENTY : FEWEST_PRODUCTS;
  if (counts.ready < enough || (await jobs.running())) return;
  const kind = serving ? 'RETRAIN' : 'BOOTSTRAP';
  const last = await jobs.last(kind);
  // Without any model the shop has no answers: that job is tried again and again, if slowly.
  if (last && (serving || Date.now() - last.updatedAt.getTime() < BOOTSTRAP_EVERY_MS)) return;
  try {
    await enqueuePhase(queue, await jobs.create(kind, { reason: 'first model of this catalog' }, 'simili'));
  } catch (error) {
    if (!(error instanceof SimiliError && error.code === 'JOB_ALREADY_RUNNING')) throw error;
  }
}

/** Marked first, dropped second: nobody can roll back to a version that is being dropped. */
async function retireVersions({ repositories: { models, embeddings }, log }: WorkerContext): Promise<void> {
  for (const { id, number } of await models.retirable(KEEP_STANDBY)) {
    if (await models.markRetired(id)) log.info({ modelId: id, number }, 'version retired');
  }
  for (const { number } of await models.retiredWithVectors()) await embeddings.dropTable(number);
}
