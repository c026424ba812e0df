import { LONGEST_REASON, retrain } from 'simili/internal/jobs/retrain';
import { nextRetrain } from 'simili/internal/jobs/retrain-policy';
import type { WorkerContext } from '../context.ts';
import { tellEncoders } from './encoder-state.ts';
import { seldom } from './seldom.ts';
import { unlessOneRuns } from './unless-one-runs.ts';

export const LOOKS_EVERY_SECONDS = 60;

/** Starts the next training of a catalog when it is due (src/ports/retrain-policy.ts). All feedback is counted for it, 1.7 s a million events. */
export const dueRetrain = seldom('retrain', LOOKS_EVERY_SECONDS, startDueRetrain);

async function startDueRetrain(context: WorkerContext): Promise<void> {
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
