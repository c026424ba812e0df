import type { Handler } from 'simili/internal/queue/jobs';
import { inCatalog, type WorkerContext } from '../context.ts';
import { memberOf } from '../distributed/member.ts';
import { makeRequest } from './train.ts';

/** Trains one shard of a round for whichever worker coordinates the job (workers/distributed). */
export const roundHandler =
  (worker: WorkerContext): Handler<'round'> =>
  async ({ catalog, ...shard }, { signal }) => {
    const context = inCatalog(worker, catalog);
    const { jobs, rounds } = context.repositories;
    const job = await jobs.byId(shard.jobId);
    const round = await rounds.find(shard);
    if (!job || !round) return; // closed
    // What the coordinator's machine decided goes before what this machine would.
    const asked = { ...(job.request as object), ...round.settings };
    const request = async (until: AbortSignal) =>
      (await makeRequest(context, { job: { ...job, request: asked } }, until)).request;
    await memberOf(context).train(shard, request, signal);
  };

/** Tells the coordinator that no message of the round is on its way any more. */
export const gatherHandler =
  (worker: Pick<WorkerContext, 'repositories'>): Handler<'gather'> =>
  ({ catalog, ...round }) =>
    inCatalog(worker, catalog).repositories.rounds.settle(round);
