import type { SettingRepository } from 'simili/internal/db/settings';
import { LONGEST_REASON, retrain } from 'simili/internal/jobs/retrain';
import { nextRetrain } from 'simili/internal/jobs/retrain-policy';
import { sparingly } from 'simili/internal/remembered';
import type { WorkerContext } from '../context.ts';
import { tellEncoders } from './encoder-state.ts';
import { unlessOneRuns } from './unless-one-runs.ts';

export const LOOKS_EVERY_SECONDS = 60;
/** Setting under which all processes are told until when nothing is counted. */
const KEY = 'retrain counted';

/**
 * Starts the next training of a catalog when it is due (src/ports/retrain-policy.ts). That is asked as seldom as it takes long: all feedback is counted for
 * it, 1.7 s a million events, which takes a twentieth of a session's time at most, however many workers take turns.
 */
export async function dueRetrain(context: WorkerContext): Promise<void> {
  const { settings, clock } = context.repositories;
  const since = clock.now().getTime();
  if (await rests(settings, since)) return;
  await startDueRetrain(context);
  const from = clock.now().getTime();
  const rest = sparingly(from - since);
  // A shorter one is over by the next look.
  if (rest > 1000 * LOOKS_EVERY_SECONDS) await settings.set(KEY, JSON.stringify({ from, until: from + rest }));
}

/** A clock that was put back holds up nobody. */
async function rests(settings: Pick<SettingRepository, 'get'>, now: number): Promise<boolean> {
  const text = await settings.get(KEY);
  if (text === null) return false;
  const { from, until } = JSON.parse(text) as { from: number; until: number };
  return from <= now && now < until;
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
