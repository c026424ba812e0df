import { enqueuePhase } from 'simili/internal/jobs/enqueue';
import type { Handler } from 'simili/internal/queue/jobs';
import type { WorkerContext } from '../context.ts';
import { embedMissing } from '../embedding/embedding.ts';
import { qualityGates } from '../evaluation/gates.ts';
import { type Measured, measure } from '../evaluation/measure.ts';
import { collectEvaluationSet } from '../evaluation/set.ts';
import { type ClaimedRun, runClaimed } from '../jobs/claimed.ts';

/** Measures the candidate and the active version on the same frozen products, then lets the gates decide. */
export const evaluateHandler =
  (context: WorkerContext): Handler<'evaluate'> =>
  async ({ jobId }, { signal }) => {
    const { jobs } = context.repositories;
    const outcome = await runClaimed({ jobs, log: context.log }, jobId, 'EVALUATE', signal, (run) =>
      evaluate(context, run),
    );
    const job = await jobs.byId(jobId);
    if (outcome === 'again' && job) await enqueuePhase(context.queue, job);
  };

async function evaluate(context: WorkerContext, { claim, report, signal }: ClaimedRun): Promise<void> {
  const { repositories } = context;
  const { models, embeddings } = repositories;
  const candidate = await models.ofJob(claim.job.id);
  const active = await models.active();
  report({ message: 'Comparing with the version that serves now' });
  const set = await collectEvaluationSet(repositories, claim.job.startedAt ?? claim.job.createdAt);
  const measureVersion = async (number: number): Promise<Measured> =>
    measure(await embeddings.vectors(number, set.productIds), set);
  const own = await measureVersion(candidate.number);
  const serving = active && (await measureVersion(active.number));
  // Products that arrived since the table was filled.
  await embedMissing(context, candidate, signal);
  const missing = await embeddings.countMissing(candidate.number);
  const metrics = { ...(candidate.metrics as object), evaluation: own, active: serving };
  await models.commitEvaluated(claim, candidate.id, metrics as never, qualityGates(own, serving, missing));
}
