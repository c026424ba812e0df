import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BatchPlan, BatchSource } from '@simili/learning/batches/batch';
import type { Weights } from '@simili/learning/network/spec';
import { clipGradients, learningRate, makeNesterov, trackStatistics } from '@simili/learning/optimiser/optimiser';
import { type Descent, decayOfMean } from '@simili/learning/recipes/recipe';
import { SimiliError } from 'simili/internal/errors';
import type { LossGradients } from '../../engines/engine.ts';
import type { Look } from './held-out.ts';
import type { Members } from './members/index.ts';
import type { TrainingState } from './state.ts';

export type NetworkTraining = {
  /** Changed in place; `state.source` is put into `source` first. */
  state: TrainingState;
  members: Pick<Members, 'count' | 'prepare' | 'gradients'>;
  source: BatchSource;
  recipe: Descent;
  /** Length of this phase where `state.totalSteps` is 0. */
  seconds: number;
  /** Where the state is kept between two steps, at most so often; null: nowhere. */
  keep: { readonly everySeconds: number; save(state: TrainingState): void } | null;
  /** Ends there, with the schedule of the whole; default: the whole. */
  untilStep?: number;
  /** Milliseconds of a clock that never goes back; default: this process's. */
  now?: () => number;
  /** At held-out triplets, under these weights; null: nothing to look at. */
  look: ((weights: Weights) => Promise<Look>) | null;
  /** Item of a picture, for messages. */
  itemOf: (picture: number) => number;
  signal: AbortSignal;
  emit: {
    loss(point: { step: number; loss: number; activeShare: number; precision?: number }): void;
    /** Progress of this phase, 0 to 1. */
    progress(done: number, etaSeconds: number): void;
  };
};

/** The first step builds the engine's graph; those after it show how long a step takes. */
const WARM_UP_STEPS = 1;
const CALIBRATION = 6;
const REPORT_MS = 500;
/** Between two looks at the held-out triplets: fewer change nothing. */
const FEWEST_BETWEEN_LOOKS = 10;
/** Standard errors by which an earlier look must be better than the last. */
const OVERFITTED = 2;

/**
 * Mini-batch Nesterov momentum (paper, sections 3 and 4) from `state` on. While an engine computes a step, the pictures of
 * the next one are made. Between two steps it looks at `signal`, so it ends within a step;
 * where members are other processes, at once.
 * @returns the step whose weights were kept: the last one, or that of an earlier look.
 * @throws SimiliError TRAINING_DIVERGED when loss or gradients are no finite numbers, with the batch's items.
 */
export async function trainNetwork(training: NetworkTraining): Promise<number> {
  const { state, members, source, recipe, signal, keep } = training;
  // A pretraining is by the mean cross-entropy over the rows.
  const weightDecay = state.phase === 'rank' ? decayOfMean(recipe, members.count) : recipe.weightDecay;
  const optimiser = makeNesterov({ ...recipe, weightDecay });
  const peak = recipe.peakRate * Math.sqrt(members.count);
  const now = training.now ?? (() => performance.now());
  const clock = startClock(now);
  if (state.source !== null) source.restore(state.source);
  const draw = (): BatchPlan[] => {
    const plans = Array.from({ length: members.count }, () => source.next());
    members.prepare(plans);
    return plans;
  };
  let plans: BatchPlan[] | null = null;
  let kept: number | undefined;
  while (!isOver(training)) {
    await nextTurn(); // a cancel message can arrive
    signal.throwIfAborted();
    const current: BatchPlan[] = plans ?? draw();
    // A checkpoint holds the source as it is between two steps, so before one nothing is drawn ahead.
    const saving = isCheckpointDue(training, clock, now);
    const computing = members.gradients(state.weights);
    plans = saving || isLast(training) ? null : draw();
    const result = await unlessAborted(computing, signal);
    checkFinite(result, current, training);
    const rate = learningRate(state.totalSteps ? state.step / state.totalSteps : 0, { peak, warmUp: recipe.warmUp });
    optimiser.step(state.weights, state.velocity, result.gradients, rate);
    trackStatistics(state.weights, result.statistics, state.step);
    state.step++;
    track(state, result);
    planSteps(training, clock, now);
    const precision = await lookAtHeldOut(training);
    const better = precision === undefined ? null : clearlyBetter(training, precision);
    if (better) {
      Object.assign(state.weights, better.weights);
      kept = better.step;
    }
    report(training, clock, now(), precision);
    if (saving) {
      state.source = source.state();
      keep?.save(state);
      clock.savedAt = now();
    }
  }
  state.source = source.state();
  return kept ?? state.step;
}

/** Members that are other processes are not waited for: whoever stops a training closes them in the middle of a step. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {}); // told by the race, or to nobody
  let onAbort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

const end = ({ state, untilStep }: NetworkTraining): number =>
  Math.min(untilStep ?? Number.POSITIVE_INFINITY, state.totalSteps || Number.POSITIVE_INFINITY);
const isOver = (training: NetworkTraining): boolean => training.state.step >= end(training);
const isLast = (training: NetworkTraining): boolean => training.state.step + 1 >= end(training);

type Clock = { startedAt: number; firstStep: number; steadyAt: number; reportedAt: number; savedAt: number };

function startClock(now: () => number): Clock {
  const at = now();
  return { startedAt: at, firstStep: -1, steadyAt: at, reportedAt: at, savedAt: at };
}

const isCheckpointDue = ({ state, keep }: NetworkTraining, { savedAt }: Clock, now: () => number): boolean =>
  keep !== null && state.totalSteps > 0 && now() - savedAt >= keep.everySeconds * 1000;

/** Once it is seen how long a step takes, the number of all steps, and with it the schedule, is fixed and kept. */
function planSteps({ state, seconds }: NetworkTraining, clock: Clock, now: () => number): void {
  if (clock.firstStep < 0) {
    clock.firstStep = state.step;
    clock.steadyAt = now();
  }
  if (state.totalSteps > 0 || state.step < WARM_UP_STEPS + CALIBRATION) return;
  const at = now();
  const perStep = (at - clock.steadyAt) / (state.step - clock.firstStep);
  const left = seconds * 1000 - (at - clock.startedAt);
  state.totalSteps = state.step + Math.max(1, Math.round(left / perStep));
  clock.savedAt = Number.NEGATIVE_INFINITY; // the number of steps is worth keeping at once
}

/** The last step is looked at too. @returns the precision when it was time to look. */
async function lookAtHeldOut({ state, recipe, look }: NetworkTraining): Promise<number | undefined> {
  if (!look || recipe.looks === 0 || state.totalSteps === 0) return undefined;
  const every = Math.max(FEWEST_BETWEEN_LOOKS, Math.floor(state.totalSteps / recipe.looks));
  if (state.step % every !== 0 && state.step !== state.totalSteps) return undefined;
  const found = await look(state.weights);
  if (!state.best || found.precision > state.best.precision)
    state.best = { ...found, step: state.step, weights: copyOf(state.weights) };
  return found.precision;
}

/** At the end: the best look, where the last one is worse by more than looks waver. */
function clearlyBetter({ state: { step, totalSteps, best } }: NetworkTraining, last: number): TrainingState['best'] {
  return step === totalSteps && best && best.precision - last > OVERFITTED * best.error ? best : null;
}

const copyOf = (weights: Weights): Weights =>
  Object.fromEntries(Object.entries(weights).map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]));

function checkFinite(
  { loss, gradients }: LossGradients,
  plans: readonly BatchPlan[],
  { state, recipe, itemOf }: NetworkTraining,
): void {
  const norm = clipGradients(gradients, recipe.clip);
  if (Number.isFinite(loss) && Number.isFinite(norm)) return;
  const what = Number.isFinite(loss) ? `the norm of the gradients became ${norm}` : `the loss became ${loss}`;
  const items = [...new Set(plans.flatMap(({ pictures }) => [...pictures].map(itemOf)))];
  throw new SimiliError('TRAINING_DIVERGED', { step: state.step, why: what, items });
}

/** Exponential means: one batch's loss is noise. */
function track(state: TrainingState, { loss, activeShare }: LossGradients): void {
  const share = Math.max(0.02, 1 / state.step);
  state.loss += share * (loss - state.loss);
  state.activeShare += share * (activeShare - state.activeShare);
}

function report({ state, emit }: NetworkTraining, clock: Clock, at: number, precision: number | undefined): void {
  const due = at - clock.reportedAt >= REPORT_MS || state.step === state.totalSteps;
  if (!due && precision === undefined) return;
  clock.reportedAt = at;
  const { step, loss, activeShare, totalSteps } = state;
  emit.loss({ step, loss, activeShare, ...(precision === undefined ? {} : { precision }) });
  const secondsPerStep = (at - clock.steadyAt) / 1000 / Math.max(1, step - clock.firstStep);
  emit.progress(totalSteps ? step / totalSteps : 0, Math.round(secondsPerStep * (totalSteps - step)));
}
