import type { JobRepository, JobRow } from '../db/jobs.ts';
import { SimiliError } from '../errors.ts';
import type { JobQueue } from '../queue/jobs.ts';
import { isStorable } from '../text.ts';
import { enqueuePhase } from './enqueue.ts';

export type RetrainRequest = {
  /** At most 200 characters. */
  reason?: string | null | undefined;
  /** Length of training, 5 to 86,400. */
  seconds?: number | null | undefined;
};
type Deps = {
  jobs: Pick<JobRepository, 'create'>;
  queue: Pick<JobQueue, 'add'>;
};

/**
 * Starts a training. Once the row is committed the job is not lost: a missing queue message is made up for by the
 * maintenance worker.
 * @throws SimiliError INVALID_ARGUMENT, JOB_ALREADY_RUNNING.
 */
export async function retrain({ jobs, queue }: Deps, request: RetrainRequest, requestedBy: string): Promise<JobRow> {
  const job = await jobs.create('RETRAIN', checked(request), requestedBy);
  await enqueuePhase(queue, job);
  return job;
}

function checked({ reason, seconds }: RetrainRequest): {
  reason?: string;
  seconds?: number;
} {
  if (reason && (reason.length > 200 || !isStorable(reason))) {
    throw new SimiliError('INVALID_ARGUMENT', {
      argument: 'reason',
      why: 'must be text of at most 200 characters',
    });
  }
  if (seconds != null && !(seconds >= 5 && seconds <= 86_400)) {
    throw new SimiliError('INVALID_ARGUMENT', {
      argument: 'seconds',
      why: `must be 5 to 86400, not ${seconds}`,
    });
  }
  return {
    ...(reason ? { reason } : {}),
    ...(seconds != null ? { seconds } : {}),
  };
}
