import { setImmediate as nextTurn } from 'node:timers/promises';
import { examinedPlaces } from '@simili/learning/relevance/examined-places';
import type { ModelRow } from 'simili/internal/db/models';
import { enqueuePhase } from 'simili/internal/jobs/enqueue';
import type { Handler } from 'simili/internal/queue/jobs';
import { inCatalog, type WorkerContext } from '../context.ts';
import { eyeNamesOf } from '../embedding/embedding.ts';
import { servedVectors } from '../embedding/served-vectors.ts';
import { countFailed, fillAll, fillable } from '../embedding/spaces.ts';
import { besideServing, waitIfIncomplete } from '../evaluation/completeness.ts';
import { qualityGates, type Rival } from '../evaluation/gates.ts';
import { listChanges } from '../evaluation/list-changes.ts';
import { differences, measure, reachOf } from '../evaluation/measure.ts';
import { ratesOf, relativeTo } from '../evaluation/rate.ts';
import { collectEvaluationSet, type EvaluationSet } from '../evaluation/set.ts';
import { firstUnseenDay, latest } from '../evidence/judged-days.ts';
import { type ClaimedRun, runClaimed } from '../jobs/claimed.ts';
import { startFirstModels } from '../jobs/first-models.ts';

/** Measures the candidate and the active version on the same frozen products, then lets the gates decide. */
export const evaluateHandler =
  (worker: WorkerContext): Handler<'evaluate'> =>
  async ({ catalog, jobId }, { signal }) => {
    const context = inCatalog(worker, catalog);
    const { jobs } = context.repositories;
    const outcome = await runClaimed({ ...context, jobs }, jobId, 'EVALUATE', signal, (run) => evaluate(context, run));
    const job = await jobs.byId(jobId);
    if (outcome === 'again' && job) await enqueuePhase(context.queue, job);
    await startFirstModels(context); // the first network follows the first answers, and maintenance looks every few seconds only
  };

async function evaluate(context: WorkerContext, { claim, report, signal }: ClaimedRun): Promise<void> {
  const { repositories } = context;
  const { models } = repositories;
  const candidate = await models.ofJob(claim.job.id);
  const rivals = await models.live();
  report({ message: `Comparing with ${rivals.map(nameOf).join(', ') || 'nothing: no version serves yet'}` });
  const judgedFrom = latest([candidate, ...rivals].map(firstUnseenDay));
  const set = await collectEvaluationSet(repositories, claim.job.startedAt ?? claim.job.createdAt, judgedFrom);
  const { metrics, own, beside } = await compared(repositories, set, candidate, rivals);
  // Products that arrived since the table was filled.
  const spaces = fillable(context, candidate);
  await fillAll(spaces, signal);
  const missing = await countFailed(spaces, signal);
  const serving = rivals.find(({ state }) => state === 'ACTIVE') ?? null;
  const eyes = await eyeNamesOf(context, candidate);
  const completeness = { missing, beside: await besideServing(repositories.embeddings, candidate, serving, eyes) };
  waitIfIncomplete(completeness, claim);
  const all = { ...(candidate.metrics as object), ...metrics };
  await models.commitEvaluated(claim, candidate.id, all as never, qualityGates(own, beside, completeness));
}

const nameOf = ({ number, state }: ModelRow): string =>
  state === 'ACTIVE' ? `version ${number}, which serves` : `version ${number}`;

/**
 * Between two measurements the process does what else it has to do: some take seconds, and a worker that gives no sign for eight loses its job.
 * @param rivals the version that serves first
 */
async function compared(
  { embeddings }: WorkerContext['repositories'],
  set: EvaluationSet,
  candidate: ModelRow,
  rivals: readonly ModelRow[],
) {
  const vectorsOf = (model: ModelRow) => servedVectors(embeddings, model, set.productIds);
  const vectors = await vectorsOf(candidate);
  const others = await Promise.all(rivals.map(vectorsOf));
  const own = measure(vectors, set);
  const rates = await ratesOf(set, vectors, others);
  const beside: Rival[] = [];
  for (const [i, rival] of rivals.entries()) {
    await nextTurn();
    const rate = rates && relativeTo(rates.rivals[i]!, rates.differences[i]!);
    const reach = reachOf(others[i]!, set);
    beside.push({ name: nameOf(rival), reach, differences: differences(vectors, others[i]!, set), rate });
  }
  const [serving] = others;
  await nextTurn();
  const active = serving ? measure(serving, set) : null;
  await nextTurn();
  const metrics = {
    evaluation: own,
    active,
    rates: rates && {
      candidate: rates.candidate,
      serving: rates.rivals[0] ?? null,
      difference: rates.differences[0] ?? null,
    },
    beside,
    listChanges: serving
      ? listChanges({ ...set, productIds: set.productIds.slice(0, set.sampled) }, vectors, serving)
      : null,
    examination: examinedPlaces(set.seen),
  };
  return { metrics, own, beside };
}
