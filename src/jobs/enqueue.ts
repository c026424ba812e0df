import type { JobInLine } from '../db/all-jobs.ts';
import type { JobQueue } from '../queue/jobs.ts';

const QUEUE_OF = {
  TRAIN: 'train',
  EMBED: 'embed',
  EVALUATE: 'evaluate',
} as const;

/**
 * Puts a job into the queue of its phase. The key grows with every claim, so a job is in line at most once for one
 * state of its row, and again after it was handed back. A job that is DONE is not put anywhere.
 */
export async function enqueuePhase(
  queue: Pick<JobQueue, 'add'>,
  { catalogId: catalog, id, phase, fence }: JobInLine,
): Promise<void> {
  if (phase === 'DONE') return;
  await queue.add(QUEUE_OF[phase], { catalog, jobId: id }, `${catalog}-${id}-${phase}-${fence}`);
}
