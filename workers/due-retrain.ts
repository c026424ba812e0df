import { retrain } from 'simili/internal/models/retrain';
import { nextRetrain, restsUntil, retrainSettingsOf } from 'simili/internal/models/retrain-policy';
import type { WorkerContext } from './context.ts';
import { unlessOneRuns } from './unless-one-runs.ts';

/** Starts the next training when it is due (src/models/retrain-policy.ts). */
export async function startDueRetrain({ repositories, queue, config, log }: WorkerContext): Promise<void> {
  const { jobs } = repositories;
  const [settings, now] = [retrainSettingsOf(config), new Date()];
  if (settings.pauseMinutes === 0 || (await jobs.running())) return;
  // All feedback is counted only once the pause is over.
  const last = await jobs.last('RETRAIN');
  if (!last?.finishedAt || restsUntil(last.finishedAt, settings, now)) return;
  const { due, reason } = await nextRetrain(repositories, settings, now);
  if (!due) return;
  await unlessOneRuns(async () => {
    const { id } = await retrain({ jobs, queue }, { reason }, 'simili');
    log.info({ jobId: id, reason }, 'a training is due');
  });
}
