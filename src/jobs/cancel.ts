import type { JobRepository, JobRow } from '../db/jobs.ts';
import { SimiliError } from '../errors.ts';
import { isStorable } from '../text.ts';

/** A waiting job ends at once, a running one within 2 s. @throws SimiliError NOT_FOUND, JOB_NOT_CANCELLABLE. */
export async function cancelJob(jobs: Pick<JobRepository, 'cancel'>, id: string): Promise<JobRow> {
  if (!isStorable(id)) throw new SimiliError('NOT_FOUND', { what: 'job', id });
  return jobs.cancel(id);
}
