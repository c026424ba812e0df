import { STALE_AFTER_SECONDS } from 'simili/internal/db/jobs';
import { spacesOf } from 'simili/internal/db/models';
import { enqueuePhase } from 'simili/internal/jobs/enqueue';
import { wakeIngest } from 'simili/internal/queue/wake-ingest';
import { inCatalog, type WorkerContext } from '../context.ts';
import { forgetUnused } from '../embedding/unused-features.ts';
import type { Chore } from '../jobs/chores.ts';
import { dueRetrain, LOOKS_EVERY_SECONDS } from '../jobs/due-retrain.ts';
import { startFirstModels } from '../jobs/first-models.ts';
import { seldom } from '../jobs/seldom.ts';

/** Standby versions: the one that a rollback takes by itself, and the one before. */
const KEEP_STANDBY = 2;
/** Failed pictures that are tried again at once. */
const REOPENED = 500;
const VISITORS_EVERY_SECONDS = 20;

/** Features of pictures that are gone, or of an encoder that nobody uses, removed at once. */
const PRUNED = 10_000;

/** Chores, on whichever worker gets there. Each may run twice. */
export const chores = (context: WorkerContext): Chore[] => [
  { name: 'requeue', everySeconds: 1, work: () => requeueAbandoned(context, STALE_AFTER_SECONDS) },
  {
    name: 'maintenance',
    everySeconds: 5,
    async work(signal) {
      await inEachCatalog(context, signal, async (own) => {
        await wakeIfWaiting(own);
        await startFirstModels(own);
      });
      await context.copies.prune((hashes) => context.repositories.contents.named(hashes));
    },
  },
  { name: 'retire-versions', everySeconds: 120, work: (signal) => inEachCatalog(context, signal, retireVersions) },
  { name: 'forget-pictures', everySeconds: 60, work: () => context.repositories.pictureQueries.prune() },
  {
    name: 'forget-uploads',
    everySeconds: 60,
    work: async () => void (await context.repositories.uploadedPictures.prune()),
  },
  { name: 'retrain', everySeconds: LOOKS_EVERY_SECONDS, work: (signal) => inEachCatalog(context, signal, dueRetrain) },
  {
    name: 'forget-visitors',
    everySeconds: VISITORS_EVERY_SECONDS,
    work: (signal) => inEachCatalog(context, signal, forgetVisitors),
  },
  {
    name: 'forget-lists',
    everySeconds: 600,
    work: (signal) =>
      inEachCatalog(context, signal, async ({ repositories: { feedback, clock } }) => {
        await feedback.forgetLists(clock.now());
      }),
  },
  {
    name: 'roll-up-feedback',
    everySeconds: 600,
    work: (signal) =>
      inEachCatalog(context, signal, async ({ repositories: { fallbacks, feedback, clock }, config }) => {
        await feedback.days.rollUp(clock.now());
        await fallbacks.countPopular();
        await feedback.days.forget(config.SIMILI_FEEDBACK_DAYS);
      }),
  },
  {
    name: 'forget-artefacts',
    everySeconds: 600,
    work: (signal) =>
      inEachCatalog(context, signal, async ({ repositories: { models } }) => void (await models.forgetArtefacts())),
  },
  {
    name: 'forget-features',
    everySeconds: 600,
    work: async () => {
      await context.repositories.features.prune(PRUNED);
      await forgetUnused(context, PRUNED);
    },
  },
];

/** One catalog after the other. One in which the work fails is told, and holds up no other. */
async function inEachCatalog(
  context: WorkerContext,
  signal: AbortSignal,
  work: (own: WorkerContext) => Promise<void>,
): Promise<void> {
  for (const catalog of await context.repositories.catalogs.ids()) {
    signal.throwIfAborted();
    await work(inCatalog(context, catalog)).catch((error: unknown) => {
      if (signal.aborted) throw error;
      context.log.error({ err: error, catalog }, 'a chore failed in a catalog, and is tried again');
    });
  }
}

/** Takes erased visitors out of lists. All lists of a week are looked at for it, tens of millions in a large shop, and anybody may ask to be erased, as often as he likes. */
export const forgetVisitors = seldom('forget visitors', VISITORS_EVERY_SECONDS, ({ repositories: { erasures } }) =>
  erasures.forgetInLists(),
);

/** Jobs whose worker is gone, and jobs whose queue message was lost between two commits. */
export async function requeueAbandoned({ repositories, queue }: WorkerContext, staleSeconds: number): Promise<void> {
  for (const job of await repositories.allJobs.reclaim(staleSeconds)) await enqueuePhase(queue, job);
}

/**
 * Pictures whose wake-up was lost, whose next try has come or that may have been replaced, and products in the queue. That something waits
 * is an index look-up each: nothing is counted.
 */
async function wakeIfWaiting(context: WorkerContext): Promise<void> {
  const { repositories, queue, config } = context;
  const { catalog, images, vectorQueue } = repositories;
  await images.reopenFailed(REOPENED);
  const checkSeconds = config.SIMILI_PICTURE_CHECK_HOURS * 3600;
  const isWaiting =
    (await images.hasClaimable()) || (await images.hasAged(checkSeconds || null)) || (await vectorQueue.isDue());
  if (isWaiting) await wakeIngest(queue, catalog);
}

/**
 * Marked first, dropped second: nobody can roll back to a version that is being dropped. Its tables may stay for some turns: it is not urgent, and while
 * somebody holds the products it would keep all others from them.
 */
async function retireVersions({ repositories: { models, embeddings }, log }: WorkerContext): Promise<void> {
  for (const { id, number } of await models.retirable(KEEP_STANDBY)) {
    if (await models.markRetired(id)) log.info({ modelId: id, number }, 'version retired');
  }
  for (const version of await models.retiredWithVectors())
    if (!(await embeddings.dropTables(version.number, spacesOf(version)))) return;
}
