import { LRUCache } from 'lru-cache';
import { LONGEST_REASON, retrain } from 'simili/internal/jobs/retrain';
import { nextRetrain } from 'simili/internal/jobs/retrain-policy';
import { sparingly } from 'simili/internal/remembered';
import type { WorkerContext } from '../context.ts';
import { tellEncoders } from './encoder-state.ts';
import { unlessOneRuns } from './unless-one-runs.ts';

const CATALOGS_REMEMBERED = 10_000;

/**
 * Starts the next training of a catalog when it is due (src/ports/retrain-policy.ts). That is asked as seldom as it takes long: all feedback is counted for
 * it, 1.7 s a million events, which takes a twentieth of a session's time at most.
 * @param clock milliseconds; never goes back
 */
export function makeDueRetrain(clock = () => performance.now()): (context: WorkerContext) => Promise<void> {
  const restsUntil = new LRUCache<string, number>({ max: CATALOGS_REMEMBERED });
  return async (context) => {
    const { catalog } = context.repositories;
    const since = clock();
    if (since < (restsUntil.get(catalog) ?? since)) return;
    await startDueRetrain(context);
    const now = clock();
    restsUntil.set(catalog, now + sparingly(now - since));
  };
}

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
