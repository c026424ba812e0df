import { type Claim, ClaimLost, type CurvePoint } from '../../src/db/jobs.ts';
import { enqueuePhase } from '../../src/models/enqueue.ts';
import type { Handler } from '../../src/queue/jobs.ts';
import { type ClaimedRun, runClaimed } from '../claimed.ts';
import type { WorkerContext } from '../context.ts';
import { sha256 } from '../sha256.ts';
import { thinCurve } from '../thin-curve.ts';
import type { EngineChoice, TrainingEvent, TrainingRequest } from '../training/protocol.ts';
import { collectTrainingSet } from '../training-set.ts';

/** Share of a job's progress bar that its training takes; embedding and evaluation share the rest. */
export const TRAIN_SHARE = 0.8;

/** Fits a model version from catalog and feedback, and commits it together with the hand-over to EMBED. */
export const trainHandler =
  (context: WorkerContext): Handler<'train'> =>
  async ({ jobId }, { signal }) => {
    const { jobs } = context.repositories;
    const outcome = await runClaimed({ jobs, log: context.log }, jobId, 'TRAIN', signal, (run) => train(context, run));
    const job = await jobs.byId(jobId);
    if (job?.state === 'QUEUED' && (outcome === 'again' || job.phase === 'EMBED'))
      await enqueuePhase(context.queue, job);
  };

async function train(context: WorkerContext, run: ClaimedRun): Promise<void> {
  const { models } = context.repositories;
  const parent = await models.serving();
  const request = await makeRequest(context, run);
  const result = await context.trainer.train(request, run.signal, eventSink(context, run));
  await models.commitTrained(run.claim, {
    kind: request.kind,
    parentId: parent?.modelId ?? null,
    dimensions: result.dimensions,
    checksum: sha256(result.artefact),
    artefact: result.artefact,
    metrics: { training: result.summary as Record<string, never> },
  });
}

async function makeRequest(
  context: WorkerContext,
  { claim, report, signal }: ClaimedRun,
): Promise<Omit<TrainingRequest, keyof EngineChoice>> {
  const { config, repositories } = context;
  const asked = claim.job.request as { seconds?: number; seed?: number };
  report({ message: 'Collecting pictures and feedback' });
  // Feedback up to the job's start: a restarted job sees the same data, which its checkpoint counts on.
  const set = await collectTrainingSet(context, claim.job.startedAt ?? claim.job.createdAt, signal);
  return {
    kind: claim.job.kind === 'BOOTSTRAP' ? 'GOLDEN' : 'NETWORK',
    ...set,
    seconds: asked.seconds ?? config.SIMILI_TRAIN_SECONDS,
    seed: asked.seed ?? 1,
    checkpointSeconds: config.SIMILI_CHECKPOINT_SECONDS,
    checkpoint: await soundCheckpoint(repositories.jobs, claim.job.id),
  };
}

/** The newest checkpoint, or null (start over) when there is none or it is damaged. */
async function soundCheckpoint(jobs: WorkerContext['repositories']['jobs'], jobId: string): Promise<Uint8Array | null> {
  const stored = await jobs.checkpoint(jobId);
  return stored && sha256(stored.state) === stored.checksum ? stored.state : null;
}

/** A checkpoint that cannot be stored costs a later crash some time, not the training; a lost claim ends it. */
async function keepCheckpoint(
  { repositories, log }: WorkerContext,
  claim: Claim,
  { step, state }: { step: number; state: Uint8Array },
): Promise<void> {
  try {
    await repositories.jobs.saveCheckpoint(claim, step, sha256(state), state);
  } catch (error) {
    if (error instanceof ClaimLost) throw error;
    log.warn({ err: error, jobId: claim.job.id, step }, 'checkpoint not stored');
  }
}

function eventSink(context: WorkerContext, { claim, report }: ClaimedRun): (event: TrainingEvent) => Promise<void> {
  let curve = claim.job.curve as CurvePoint[];
  return async (event) => {
    if (event.type === 'checkpoint') await keepCheckpoint(context, claim, event);
    else if (event.type === 'loss') {
      const { step, loss, activeShare } = event;
      curve = thinCurve([...curve.filter((point) => point.step < step), { step, loss, activeShare }]);
      report({ curve });
    } else {
      const { done, etaSeconds, message, engine } = event;
      const progress = Math.max(claim.job.progress, done * TRAIN_SHARE);
      report({ progress, etaSeconds, message, ...(engine ? { engine } : {}) });
    }
  };
}
