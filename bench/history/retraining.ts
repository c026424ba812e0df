import type { Random } from '../../learning/numbers/random.ts';
import type { JobPhase, JobRow } from '../../src/db/jobs.ts';
import type { Gate } from '../../src/db/models.ts';
import { SimiliError } from '../../src/errors.ts';
import { retrain } from '../../src/jobs/retrain.ts';
import { engines, type FakeWorker } from '../../test/support/fake-worker.ts';
import type { WorkerContext } from '../../workers/context.ts';
import { embedHandler } from '../../workers/handlers/embed.ts';
import { evaluateHandler } from '../../workers/handlers/evaluate.ts';
import { trainHandler } from '../../workers/handlers/train.ts';
import type { Recorder } from './recorder.ts';

type Phase = (
  context: WorkerContext,
) => (payload: { catalog: string; jobId: string }, run: { signal: AbortSignal }) => Promise<void>;
const signal = new AbortController().signal;

/**
 * A retrain from its request to its end, by the handlers of a worker and a trainer that answers at once. Each phase is delivered to two workers at the same
 * time; now and then the one that trains gives no sign for a minute, and a third one takes the job over; now and then the new version has collapsed.
 */
export async function retrainOnce(
  { database, context, but }: FakeWorker,
  random: Random,
  record: Recorder,
): Promise<void> {
  const { jobs, models } = database.repositories;
  const job = await retrain({ jobs, queue: { add: async () => {} } }, {}, 'history').catch(unlessOneRuns);
  if (job === null) return;
  const payload = { catalog: 'default', jobId: job.id };
  const deliver = (phase: Phase, by: WorkerContext) => phase(by)(payload, { signal });
  const twice = (phase: Phase, by: WorkerContext) => Promise.all([deliver(phase, by), deliver(phase, context)]);

  const stalls = random.int(4) === 0;
  const trainer: typeof engines.trainer = {
    ...engines.trainer,
    async train(...args) {
      if (stalls) {
        await forgetSign(database, job.id);
        await deliver(trainHandler, context);
      }
      return engines.trainer.train(...args);
    },
  };
  await twice(trainHandler, but({ trainer }));
  // Where none serves, a job for a first one would follow that nobody here takes, and no other could be asked for.
  const collapsed = random.int(5) === 0 && (await models.serving()) !== null;
  const embedder = collapsed ? alike : engines.embedder;
  await Promise.all([deliver(embedHandler, but({ embedder })), deliver(embedHandler, but({ embedder }))]);
  const called = record.tick();
  await twice(evaluateHandler, but({ embedder }));
  await untilSettled(
    () => jobs.byId(job.id),
    (phase) => deliver(phase, but({ embedder })),
  );
  const answered = record.tick();
  const { state } = (await jobs.byId(job.id))!;
  const { id, parentId: parent, gates } = await models.ofJob(job.id);
  if (state !== 'SUCCEEDED') {
    record.faults.push(`retrain: its job is ${state}`);
    return;
  }
  const isGreen = (gates as Gate[]).every(({ name, passed }) => passed || name === 'parent');
  if (isGreen === collapsed) record.faults.push(`retrain: green ${isGreen}, collapsed ${collapsed}`);
  const promoted = (gates as Gate[]).every(({ passed }) => passed);
  record.pointer.push({ called, answered, kind: 'promote', id, parent, isGreen, promoted });
}

const phases: Partial<Record<JobPhase, Phase>> = {
  TRAIN: trainHandler,
  EMBED: embedHandler,
  EVALUATE: evaluateHandler,
};
const MOST_TRIES = 10;

/** Delivers again, as the queue does, what failed by chance: a version beside which it was judged was retired meanwhile. */
async function untilSettled(
  read: () => Promise<JobRow | null>,
  deliver: (phase: Phase) => Promise<void>,
): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const job = await read();
    const phase = job?.state === 'QUEUED' ? phases[job.phase] : undefined;
    if (!phase) return;
    await deliver(phase);
  }
}

/** All vectors the same: the gate `spread` is red. */
const alike: typeof engines.embedder = {
  ...engines.embedder,
  embed: async ({ pictures }) => ({ dimensions: 2, vectors: Float32Array.from(pictures.flatMap(() => [1, 0])) }),
};

/** As if its holder had last been heard of a minute ago. */
async function forgetSign({ storage: { prisma } }: FakeWorker['database'], id: string): Promise<void> {
  await prisma.$executeRaw`UPDATE simili.job SET heartbeat_at = now() - interval '1 minute' WHERE id = ${id}`;
}

function unlessOneRuns(error: unknown): null {
  if (error instanceof SimiliError && error.code === 'JOB_ALREADY_RUNNING') return null;
  throw error;
}
