import { spacesOf } from 'simili/internal/db/models';
import { enqueuePhase } from 'simili/internal/jobs/enqueue';
import type { Handler } from 'simili/internal/queue/jobs';
import { inCatalog, type WorkerContext } from '../context.ts';
import { chooseStorage } from '../embedding/choose-storage.ts';
import { countMissing, fillAll, fillable } from '../embedding/spaces.ts';
import { type ClaimedRun, runClaimed } from '../jobs/claimed.ts';
import { TRAIN_SHARE } from './train.ts';

const EMBED_SHARE = 0.15;

/** Fills the table of a trained version, then builds its index: what serves is never half embedded. */
export const embedHandler =
  (worker: WorkerContext): Handler<'embed'> =>
  async ({ catalog, jobId }, { signal }) => {
    const context = inCatalog(worker, catalog);
    const { jobs } = context.repositories;
    const outcome = await runClaimed({ ...context, jobs }, jobId, 'EMBED', signal, (run) => embed(context, run));
    const job = await jobs.byId(jobId);
    if (job?.state === 'QUEUED' && (outcome === 'again' || job.phase === 'EVALUATE'))
      await enqueuePhase(context.queue, job);
  };

async function embed(context: WorkerContext, run: ClaimedRun): Promise<void> {
  const { models, embeddings } = context.repositories;
  const jobId = run.claim.job.id;
  const model = await models.ofJob(jobId);
  const spaces = fillable(context, model);
  for (const { space } of spaces) await embeddings.createTable(model.number, space);
  const total = await countMissing(spaces);
  run.report({ message: `Embedding ${total} products` });
  const report = (written: number) =>
    run.report({ attempts: 0, progress: TRAIN_SHARE + EMBED_SHARE * Math.min(1, written / Math.max(1, total)) });
  const fillSample = (ids: readonly string[]) => spaces[0]!.fill(run.signal, report, ids);
  const sampled = await chooseStorage(context.repositories, model, fillSample, run.signal);
  await fillAll(spaces, run.signal, (written) => report(sampled + written));
  // Later ones are in the queue as long as this version is on its way, whoever looks at them.
  for (const space of spaces) await space.queueMissing();
  run.report({ message: 'Building the index' });
  for (const space of spacesOf(await models.ofJob(jobId))) await embeddings.createIndex(model.number, space);
  await models.commitEmbedded(run.claim, model.id);
}
