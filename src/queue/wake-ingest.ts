import type { JobQueue } from './jobs.ts';

/** Wakes a worker for what waits in a catalog; of each catalog at most one message is in line. */
export const wakeIngest = (queue: Pick<JobQueue, 'add'>, catalog: string): Promise<void> =>
  queue.add('ingest', { catalog }, catalog);
