import { z } from 'zod';
import { checked } from '../checked.ts';
import type { JobRepository, JobRow } from '../db/jobs.ts';
import { isEncoderName } from '../encoder-name.ts';
import type { JobQueue } from '../queue/jobs.ts';
import { oneOf, within } from '../shapes.ts';
import { lengthOf } from '../text.ts';
import { presetNames, recipeNames } from '../training-names.ts';
import { enqueuePhase } from './enqueue.ts';

/** Characters of a reason. */
export const LONGEST_REASON = 200;

const Request = z.object({
  reason: z
    .string()
    .refine((text) => lengthOf(text) <= LONGEST_REASON, `must be text of at most ${LONGEST_REASON} characters`)
    .nullish(),
  /** Length of training. */
  seconds: within(5, 86_400).nullish(),
  /** The same in steps. */
  steps: within(1, 10_000_000).nullish(),
  seed: z.number().nullish(),
  /** Names of a network preset and of a recipe. */
  preset: z
    .string()
    .refine(...oneOf(presetNames))
    .nullish(),
  recipe: z
    .string()
    .refine(...oneOf(recipeNames))
    .nullish(),
  /** Name of an encoder (workers/encoders/find.ts); whether it is there, the worker finds out. */
  encoder: z
    .string()
    .refine(
      isEncoderName,
      'must be the name of an encoder (letters, digits, dots, dashes): one that ships, or of `encoders/` in the data directory',
    )
    .nullish(),
});

export type RetrainRequest = z.input<typeof Request>;
/** The part of a request that a job row keeps: only what was asked for. */
export type StoredRetrain = { [Field in keyof RetrainRequest]?: NonNullable<RetrainRequest[Field]> };
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
  const job = await jobs.create('RETRAIN', asked(request), requestedBy);
  await enqueuePhase(queue, job);
  return job;
}

const asked = (request: RetrainRequest): StoredRetrain =>
  Object.fromEntries(Object.entries(checked(Request, request)).filter(([, value]) => value != null && value !== ''));
