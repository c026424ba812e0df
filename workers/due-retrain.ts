import { SimiliError } from '../src/errors.ts';
import { retrain } from '../src/models/retrain.ts';
import { nextRetrain, retrainSettingsOf } from '../src/models/retrain-policy.ts';
import type { WorkerContext } from './context.ts';

/** Starts the next training when it is due (src/models/retrain-policy.ts). */
export async function startDueRetrain({ repositories, queue, config, log }: WorkerContext): Promise<void> {
  const { jobs } = repositories;
  if (config.SIMILI_RETRAIN_PAUSE_MINUTES === 0 || (await jobs.running())) return;
  const { due, reason } = await nextRetrain(repositories, retrainSettingsOf(config), new Date());
  if (!due) return;
  try {
    const { id } = await retrain({ jobs, queue }, { reason }, 'simili');
    log.info({ jobId: id, reason }, 'a training is due');
  } catch (error) {
    if (!(error instanceof SimiliError && error.code === 'JOB_ALREADY_RUNNING')) throw error;
  }
}
