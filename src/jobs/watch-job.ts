import { setTimeout as sleep } from 'node:timers/promises';
import type { JobRepository, JobRow } from '../db/jobs.ts';
import { SimiliError } from '../errors.ts';
import { leavable } from '../leavable.ts';

type Jobs = Pick<JobRepository, 'byId'>;

/**
 * The job as it is now, then as it is after every change, until it is settled or the watcher leaves (`return()`). A read
 * that fails is made again: an outage of the database pauses the stream and does not end it.
 * @throws SimiliError NOT_FOUND before the first state.
 */
export async function watchJob(jobs: Jobs, id: string, everyMs = 500): Promise<AsyncGenerator<JobRow>> {
  const first = await jobs.byId(id);
  if (!first) throw new SimiliError('NOT_FOUND', { what: 'job', id });
  return leavable((left) => states(jobs, first, everyMs, left));
}

async function* states(jobs: Jobs, first: JobRow, everyMs: number, left: AbortSignal): AsyncGenerator<JobRow> {
  let job: JobRow = first;
  yield job;
  while (!isSettled(job)) {
    await sleep(everyMs, undefined, { signal: left }).catch(() => {});
    if (left.aborted) return;
    const next = await jobs.byId(job.id).catch(() => job);
    if (!next) return;
    const changed = next.updatedAt.getTime() !== job.updatedAt.getTime() || next.state !== job.state;
    job = next;
    if (changed) yield job;
  }
}

const isSettled = ({ state }: JobRow): boolean => state !== 'QUEUED' && state !== 'RUNNING';
