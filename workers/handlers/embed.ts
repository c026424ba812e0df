import { enqueuePhase } from 'simili/internal/jobs/enqueue';
import type { Handler } from 'simili/internal/queue/jobs';
import type { WorkerContext } from '../context.ts';
import { embedMissing } from '../embedding/embedding.ts';
import { type ClaimedRun, runClaimed } from '../jobs/claimed.ts';
import { TRAIN_SHARE } from './train.ts';

const EMBED_SHARE = 0.15;

/** Fills the table of a trained version, then builds its index: what serves is never half embedded. */
export const embedHandler =
  (context: WorkerContext): Handler<'embed'> =>
  async ({ jobId }, { signal }) => {
    const { jobs } = context.repositories;
    const outcome = await runClaimed({ jobs, log: context.log }, jobId, 'EMBED', signal, (run) => embed(context, run));
    const job = await jobs.byId(jobId);
    if (job?.state === 'QUEUED' && (outcome === 'again' || job.phase === 'EVALUATE'))
      await enqueuePhase(context.queue, job);
  };

async function embed(context: WorkerContext, run: ClaimedRun): Promise<void> {
  const { models, embeddings } = context.repositories;
  const model = await models.ofJob(run.claim.job.id);
  await embeddings.createTable(model.number, model.dimensions);
  const total = await embeddings.countMissing(model.number);
  run.report({ message: `Embedding ${total} products` });
  await embedMissing(context, model, run.signal, (written) =>
    run.report({ attempts: 0, progress: TRAIN_SHARE + EMBED_SHARE * Math.min(1, written / Math.max(1, total)) }),
  );
  run.report({ message: 'Building the index' });
  await embeddings.createIndex(model.number);
  await models.commitEmbedded(run.claim, model.id);
}
