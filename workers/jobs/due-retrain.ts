import { LONGEST_REASON, retrain } from 'simili/internal/jobs/retrain';
import { nextRetrain } from 'simili/internal/jobs/retrain-policy';
import type { WorkerContext } from '../context.ts';
import { tellEncoders } from './encoder-state.ts';
import { unlessOneRuns } from './unless-one-runs.ts';

/** Starts the next training when it is due (src/ports/retrain-policy.ts). */
export async function startDueRetrain(context: WorkerContext): Promise<void> {
  const { repositories, queue, retrainPolicy, log } = context;
  await tellEncoders(context);
  const { jobs } = repositories;
  const now = repositories.clock.now();
  if (!retrainPolicy.automatic || (await jobs.running())) return;
  // All feedback is counted only once the pause is over.
  const last = await jobs.last('RETRAIN');
  if (!last?.finishedAt || retrainPolicy.restsUntil(last.finishedAt, now)) return;
  const { due, reason } = await nextRetrain(repositories, retrainPolicy, now);
  if (!due) return;
  await unlessOneRuns(async () => {
    const { id } = await retrain({ jobs, queue }, { reason: [...reason!].slice(0, LONGEST_REASON).join('') }, 'simili');
    log.info({ jobId: id, reason }, 'a training is due');
  });
}
