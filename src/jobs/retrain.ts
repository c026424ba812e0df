import type { JobRepository, JobRow } from '../db/jobs.ts';
import { isEncoderName } from '../encoder-name.ts';
import { SimiliError } from '../errors.ts';
import type { JobQueue } from '../queue/jobs.ts';
import { lengthOf } from '../text.ts';
import { presetNames, recipeNames } from '../training-names.ts';
import { enqueuePhase } from './enqueue.ts';

/** Characters of a reason. */
export const LONGEST_REASON = 200;

export type RetrainRequest = {
  /** At most LONGEST_REASON characters. */
  reason?: string | null | undefined;
  /** Length of training, 5 to 86,400. */
  seconds?: number | null | undefined;
  /** The same in steps, 1 to 10,000,000. */
  steps?: number | null | undefined;
  seed?: number | null | undefined;
  /** Names of a network preset and of a recipe. */
  preset?: string | null | undefined;
  recipe?: string | null | undefined;
  /** Name of an encoder (workers/encoders/find.ts); whether it is there, the worker finds out. */
  encoder?: string | null | undefined;
};
/** The part of a request that a job row keeps: only what was asked for. */
export type StoredRetrain = Partial<{
  reason: string;
  seconds: number;
  steps: number;
  seed: number;
  preset: string;
  recipe: string;
  encoder: string;
}>;
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

function checked(request: RetrainRequest): StoredRetrain {
  const { reason, seconds, steps, seed, preset, recipe, encoder } = request;
  demand(
    'reason',
    !reason || lengthOf(reason) <= LONGEST_REASON,
    `must be text of at most ${LONGEST_REASON} characters`,
  );
  demand('seconds', isWithin(seconds, 5, 86_400), `must be 5 to 86400, not ${seconds}`);
  demand('steps', isWithin(steps, 1, 10_000_000), `must be 1 to 10000000, not ${steps}`);
  demand('preset', isNameOf(preset, presetNames), `must be one of ${presetNames.join(', ')}`);
  demand('recipe', isNameOf(recipe, recipeNames), `must be one of ${recipeNames.join(', ')}`);
  demand(
    'encoder',
    encoder == null || isEncoderName(encoder),
    'must be the name of an encoder (letters, digits, dots, dashes): one that ships, or of `encoders/` in the data directory',
  );
  const given = Object.entries({ reason, seconds, steps, seed, preset, recipe, encoder });
  return Object.fromEntries(given.filter(([, value]) => value != null && value !== ''));
}

const isWithin = (value: number | null | undefined, low: number, high: number): boolean =>
  value == null || (value >= low && value <= high);
const isNameOf = (value: string | null | undefined, names: readonly string[]): boolean =>
  value == null || names.includes(value);

function demand(argument: string, fine: boolean, why: string): void {
  if (!fine) throw new SimiliError('INVALID_ARGUMENT', { argument, why });
}
