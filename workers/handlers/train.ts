import { readFile } from 'node:fs/promises';
import { PICTURE_SIZE } from '@simili/learning/picture';
import { recipeFor, whyInstead } from '@simili/learning/recipes/recipe';
import { type Claim, ClaimLost, type CurvePoint } from 'simili/internal/db/jobs';
import { SimiliError } from 'simili/internal/errors';
import { enqueuePhase } from 'simili/internal/jobs/enqueue';
import type { StoredRetrain } from 'simili/internal/jobs/retrain';
import type { Handler } from 'simili/internal/queue/jobs';
import { inCatalog, type WorkerContext } from '../context.ts';
import { trainInRounds } from '../distributed/coordinator.ts';
import { spacesOfEncoders } from '../embedding/own-encoder.ts';
import { encoderOfJob } from '../encoders/of-job.ts';
import { collectSeen, type WithoutEncoder } from '../evidence/collect-seen.ts';
import { removeFeatureFiles } from '../evidence/feature-files.ts';
import { firstUnseenDay, latest } from '../evidence/judged-days.ts';
import { type ClaimedRun, runClaimed } from '../jobs/claimed.ts';
import { thinCurve } from '../jobs/thin-curve.ts';
import { sha256 } from '../tools/sha256.ts';
import type { Asked } from '../training/engine-client.ts';
import { sidesFor, specFor } from '../training/network/spec.ts';
import type { TrainingEvent, TrainingRequest } from '../training/protocol.ts';

/** Share of a job's progress bar that its training takes; embedding and evaluation share the rest. */
export const TRAIN_SHARE = 0.8;

/** Fits a model version from catalog and feedback, and commits it together with the hand-over to EMBED. */
export const trainHandler =
  (worker: WorkerContext): Handler<'train'> =>
  async ({ catalog, jobId }, { signal }) => {
    const context = inCatalog(worker, catalog);
    const { jobs } = context.repositories;
    const outcome = await runClaimed({ ...context, jobs }, jobId, 'TRAIN', signal, (run) =>
      train(context, run).finally(() => removeFeatureFiles(context, run.claim.job)),
    );
    const job = await jobs.byId(jobId);
    if (job?.state === 'QUEUED' && (outcome === 'again' || job.phase === 'EMBED'))
      await enqueuePhase(context.queue, job);
  };

async function train(context: WorkerContext, run: ClaimedRun): Promise<void> {
  const { models } = context.repositories;
  const parent = await models.serving();
  const { encoder } = run.claim.job.request as StoredRetrain;
  const eye = encoder === undefined ? '' : `, and what ${encoder} sees`;
  run.report({ message: `Collecting pictures and feedback${eye}` });
  const made = await makeRequest(context, run.claim, run.signal);
  const { request, ids } = made;
  const recipe = recipeFor(request.recipe, {
    encoder: request.set.encoded !== undefined,
    backbone: request.backbone !== null,
  });
  const instead = request.kind === 'NETWORK' ? whyInstead(request.recipe, recipe) : null;
  if (instead) run.report({ message: instead });
  // Rounds share the ranking of a network; a recipe without one, and a head of some seconds, is trained here.
  const ranks = request.kind === 'NETWORK' && recipe.trains === 'network' && recipe.pretrain < 1;
  const machines = ranks ? context.config.SIMILI_TRAIN_MACHINES : 1;
  const sink = eventSink(context, run);
  const goesOn = machines > 1 ? request : await warmed(context, request, parent);
  const before = goesOn.serving && parent ? await models.byId(parent.modelId) : null;
  const judgedFrom = latest([made.judgedFrom, ...(before ? [firstUnseenDay(before)] : [])]);
  const training =
    machines > 1
      ? trainInRounds(context, run, { request, machines }, sink)
      : context.trainer.train(goesOn, run.signal, sink);
  const result = await training.catch((error: unknown) => {
    throw named(error, ids);
  });
  await models.commitTrained(run.claim, {
    kind: request.kind,
    parentId: parent?.modelId ?? null,
    dimensions: result.dimensions,
    spaces: spacesOfEncoders(context),
    checksum: sha256(result.artefact),
    artefact: result.artefact,
    metrics: {
      training: { ...({ ...result.summary, ...eyeOf(made) } as Record<string, never>), judgedFrom },
    },
  });
}

/** Record of a version's encoder, by which it is found again, or why it has none. */
const eyeOf = ({ request: { set }, choice, withoutEncoder }: Made) => ({
  ...(set.encoded && { encoder: { ...set.encoded.encoder, choice } }),
  ...(withoutEncoder && { withoutEncoder }),
});

/** Request to a trainer, and what only the worker needs: ids of products, and the encoder's name. */
type Made = {
  readonly request: Asked<TrainingRequest>;
  readonly ids: string[];
  /** As SIMILI_ENCODER. */
  readonly choice: string;
  readonly withoutEncoder: WithoutEncoder | null;
  /** First day of which nothing is in the request. */
  readonly judgedFrom: string;
};

/** @returns the same for every worker that takes the job. @throws SimiliError as `encoderOfJob` and `collectSeen`. */
export async function makeRequest(
  context: WorkerContext,
  { job }: Pick<Claim, 'job'>,
  signal: AbortSignal,
): Promise<Made> {
  const { config, repositories } = context;
  const asked = job.request as StoredRetrain;
  const preset = asked.preset ?? config.SIMILI_PRESET;
  const backbone = config.SIMILI_BACKBONE ? await readFile(config.SIMILI_BACKBONE) : null;
  const kind: TrainingRequest['kind'] = job.kind === 'BOOTSTRAP' ? 'GOLDEN' : 'NETWORK';
  const name = asked.recipe ?? config.SIMILI_RECIPE;
  const { encoder, choice } = await encoderOfJob(context, asked);
  const recipe = recipeFor(name, { encoder: encoder !== null, backbone: backbone !== null });
  const isFrozen = kind === 'GOLDEN' || recipe.trains === 'head';
  const sides = isFrozen ? [PICTURE_SIZE] : sidesFor(specFor(preset, backbone));
  const seeing = { ...context, encoder };
  const { ids, withoutEncoder, judgedFrom, ...data } = await collectSeen(seeing, job, sides, signal, kind);
  const request = {
    kind,
    ...data,
    preset,
    backbone,
    recipe: name,
    seconds: asked.seconds ?? config.SIMILI_TRAIN_SECONDS,
    steps: asked.steps ?? null,
    seed: asked.seed ?? 1,
    checkpointSeconds: config.SIMILI_CHECKPOINT_SECONDS,
    checkpoint: await soundCheckpoint(repositories.jobs, job.id),
  } as const;
  return { ids, request, choice, withoutEncoder, judgedFrom };
}

/**
 * Training goes on from the version that serves. Not over several machines: each makes the request for itself, and another
 * version may serve by then. A restarted job that finds another one begins anew (`fingerprintOf`). Nor from one that learned from what
 * a visitor had deleted since, or an administrator put into quarantine; what the rules find themselves is mostly found before it is learned
 * from, and would begin every training anew.
 */
export async function warmed(
  { repositories: { models, jobs, erasures, quarantines } }: WorkerContext,
  request: Asked<TrainingRequest>,
  parent: { readonly modelId: string } | null,
): Promise<Asked<TrainingRequest>> {
  if (request.kind !== 'NETWORK' || !parent) return request;
  const version = await models.byId(parent.modelId);
  const job = version?.jobId ? await jobs.byId(version.jobId) : null;
  const learned = job?.startedAt ?? version?.createdAt ?? new Date(0);
  if ((await erasures.since(learned)) || (await quarantines.changedSince(learned))) return request;
  const stored = await models.artefact(parent.modelId);
  return stored && sha256(stored.artefact) === stored.checksum ? { ...request, serving: stored.artefact } : request;
}

/** A host knows items by number; whoever reads of a failure knows products. */
function named(error: unknown, ids: readonly string[]): unknown {
  if (!(error instanceof SimiliError && error.code === 'TRAINING_DIVERGED')) return error;
  const { items = [], ...facts } = (error as SimiliError<'TRAINING_DIVERGED'>).facts;
  return new SimiliError('TRAINING_DIVERGED', { ...facts, items: items.map((item) => ids[Number(item)] ?? item) });
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
      const { type: _, ...point } = event;
      curve = thinCurve([...curve.filter(({ step }) => step < point.step), point]);
      report({ curve });
    } else {
      const { done, etaSeconds, message, engine } = event;
      const progress = Math.max(claim.job.progress, done * TRAIN_SHARE);
      report({ progress, etaSeconds, message, ...(engine ? { engine } : {}) });
    }
  };
}
