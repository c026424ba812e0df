import type { ModelRow } from 'simili/internal/db/models';
import { enqueuePhase } from 'simili/internal/jobs/enqueue';
import type { Handler } from 'simili/internal/queue/jobs';
import { inCatalog, type WorkerContext } from '../context.ts';
import { servedVectors } from '../embedding/served-vectors.ts';
import { countMissing, fillAll, fillable } from '../embedding/spaces.ts';
import { qualityGates } from '../evaluation/gates.ts';
import { measure } from '../evaluation/measure.ts';
import { ratesOf } from '../evaluation/rate.ts';
import { collectEvaluationSet } from '../evaluation/set.ts';
import { firstUnseenDay, latest } from '../evidence/judged-days.ts';
import { type ClaimedRun, runClaimed } from '../jobs/claimed.ts';

/** Measures the candidate and the active version on the same frozen products, then lets the gates decide. */
export const evaluateHandler =
  (worker: WorkerContext): Handler<'evaluate'> =>
  async ({ catalog, jobId }, { signal }) => {
    const context = inCatalog(worker, catalog);
    const { jobs } = context.repositories;
    const outcome = await runClaimed({ ...context, jobs }, jobId, 'EVALUATE', signal, (run) => evaluate(context, run));
    const job = await jobs.byId(jobId);
    if (outcome === 'again' && job) await enqueuePhase(context.queue, job);
  };

async function evaluate(context: WorkerContext, { claim, report, signal }: ClaimedRun): Promise<void> {
  const { repositories } = context;
  const { models, embeddings } = repositories;
  const candidate = await models.ofJob(claim.job.id);
  const active = await models.active();
  report({ message: 'Comparing with the version that serves now' });
  const judgedFrom = latest([candidate, ...(active ? [active] : [])].map(firstUnseenDay));
  const set = await collectEvaluationSet(repositories, claim.job.startedAt ?? claim.job.createdAt, judgedFrom);
  const vectorsOf = (model: ModelRow) => servedVectors(embeddings, model, set.productIds);
  const vectors = await vectorsOf(candidate);
  const rivals = active && (await vectorsOf(active));
  const own = measure(vectors, set);
  const serving = rivals && measure(rivals, set);
  // Products that arrived since the table was filled.
  const spaces = fillable(context, candidate);
  await fillAll(spaces, signal);
  const missing = await countMissing(spaces);
  const metrics = {
    ...(candidate.metrics as object),
    evaluation: own,
    active: serving,
    rates: ratesOf(set, vectors, rivals),
  };
  await models.commitEvaluated(claim, candidate.id, metrics as never, qualityGates(own, serving, missing));
}
