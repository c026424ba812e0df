import type { Loss } from '../learning/losses/loss.ts';
import { pictureSizeFor } from '../learning/network/shapes.ts';
import type { NetworkSpec } from '../learning/network/spec.ts';
import { makeRandom } from '../learning/numbers/random.ts';
import { PICTURE_SIZE } from '../learning/picture.ts';
import { trainingRequest } from '../test/support/training-request.ts';
import type { Engine } from '../workers/engines/engine.ts';
import type { Fit } from '../workers/training/fit.ts';
import { rankingSource } from '../workers/training/network/batches.ts';
import { openFitMembers, runPhase, startOfRanking } from '../workers/training/network/index.ts';
import type { TrainingRequest } from '../workers/training/protocol.ts';
import { beginFit } from '../workers/training/train.ts';
import { generatedSet } from './generated-set.ts';
import { temporaryDir } from './running.ts';

/** Pictures of one batch: 64 triplets. */
export const ROWS = 192;
const KEEPING = { checkpoint: null, checkpointSeconds: 10, fingerprint: '', about: {} };
/** Long enough to hold a checkpoint. */
const WINDOW_SECONDS = 11;
const WINDOWS = 3;
const SCHEDULE = 1_000_000;

/** Pictures a second of two ways to do the same, measured in turns in one run: medians over the windows. */
export type Compared = { bare: number; job: number };

/**
 * One engine process: the bare step (weights in, gradients out) beside the whole training job around it, with sampling,
 * reading, augmentation, optimiser and a checkpoint in every window.
 */
export const jobBesideStep = (spec: NetworkSpec): Promise<Compared> =>
  withFit(spec, 1, async (fit) => {
    const members = await openFitMembers(fit);
    const state = { ...startOfRanking(fit, null), totalSteps: SCHEDULE };
    const source = rankingSource(fit);
    const bareStep = makeBareStep(members.engine, spec, fit);
    const steps = await stepsIn(WINDOW_SECONDS, bareStep);
    const [bare, job]: [number[], number[]] = [[], []];
    for (let window = 0; window < WINDOWS; window++) {
      bare.push(await rate(steps, () => times(steps, bareStep)));
      job.push(
        await rate(steps, () =>
          runPhase(fit, members, { state, source, keeping: KEEPING, untilStep: state.step + steps }),
        ),
      );
    }
    await members.close();
    return { bare: median(bare), job: median(job) };
  });

/** Optimiser and pictures of every step: one process beside two that exchange gradients. */
export async function twoBesideOne(spec: NetworkSpec): Promise<{ one: number; two: number }> {
  const [one, two] = [await openJob(spec, 1), await openJob(spec, 2)];
  const steps = await stepsIn(WINDOW_SECONDS, () => one.run(1));
  const [alone, together]: [number[], number[]] = [[], []];
  for (let window = 0; window < WINDOWS; window++) {
    alone.push(await rate(steps, () => one.run(steps)));
    together.push(2 * (await rate(steps, () => two.run(steps))));
  }
  await one.close();
  await two.close();
  return { one: median(alone), two: median(together) };
}

/** Engine and threads that a job is computed with. */
type JobEngine = Pick<TrainingRequest, 'engine' | 'threads'>;
const ONE_THREAD: JobEngine = { engine: 'onnx', threads: 1 };

/** A whole training job of so many processes, which does as many steps as it is told to, of `ROWS` pictures each. */
export async function openJob(spec: NetworkSpec, processes: number, on: JobEngine = ONE_THREAD) {
  const dir = await temporaryDir();
  const fit = await fitIn(dir.path, spec, processes, on);
  const members = await openFitMembers(fit);
  const state = { ...startOfRanking(fit, null), totalSteps: SCHEDULE };
  const source = rankingSource(fit);
  return {
    run: (steps: number) => runPhase(fit, members, { state, source, keeping: KEEPING, untilStep: state.step + steps }),
    async close() {
      await members.close();
      await dir.remove();
    },
  };
}

async function withFit<T>(spec: NetworkSpec, processes: number, use: (fit: Fit) => Promise<T>): Promise<T> {
  const dir = await temporaryDir();
  try {
    return await use(await fitIn(dir.path, spec, processes));
  } finally {
    await dir.remove();
  }
}

async function fitIn(dir: string, spec: NetworkSpec, processes: number, on = ONE_THREAD): Promise<Fit> {
  const sides = [...new Set([PICTURE_SIZE, pictureSizeFor(spec.inputSize)])];
  const set = await generatedSet(dir, { items: 2000, categories: 20, sides });
  const request: TrainingRequest = trainingRequest(set, {
    engine: on.engine,
    threads: on.threads,
    recipe: 'relevanceGap',
    processes,
    steps: SCHEDULE,
  });
  const fit = await beginFit(request, new AbortController().signal, () => {});
  // No looks at held-out triplets: they are a matter of the recipe, not of the step.
  return { ...fit, spec, recipe: { ...fit.recipe, looks: 0 } };
}

function makeBareStep(engine: Engine, spec: NetworkSpec, fit: Fit): () => Promise<unknown> {
  const random = makeRandom(1);
  const pictures = Float32Array.from({ length: ROWS * spec.inputSize ** 2 * 3 }, () => random.next());
  const { weights } = startOfRanking(fit, null);
  const loss: Loss = { kind: 'tripletHinge', gaps: new Float32Array(ROWS / 3).fill(0.3) };
  return async () => {
    await engine.setWeights(weights);
    return engine.gradients({ pictures }, loss);
  };
}

async function times(steps: number, step: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < steps; i++) await step();
}

/** Pictures a second. */
async function rate(steps: number, run: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await run();
  return (steps * ROWS * 1000) / (performance.now() - since);
}

async function stepsIn(seconds: number, step: () => Promise<unknown>): Promise<number> {
  await times(2, step); // builds the graph
  const since = performance.now();
  await times(3, step);
  return Math.max(3, Math.round((3000 * seconds) / (performance.now() - since)));
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
