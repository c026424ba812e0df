import { setImmediate as nextTurn } from 'node:timers/promises';
import { SimiliError } from '../../src/errors.ts';
import { augment } from '../../src/learning/augment.ts';
import { initialWeights } from '../../src/learning/network/initial-weights.ts';
import type { NetworkSpec, Weights } from '../../src/learning/network/spec.ts';
import { clipGradients, learningRate, makeNesterov, zerosLike } from '../../src/learning/optimiser.ts';
import { makeRandom, type Random } from '../../src/learning/random.ts';
import type { Triplet } from '../../src/learning/sampler.ts';
import type { Picture } from '../../src/learning/served-model.ts';
import type { Engine } from '../engines/engine.ts';
import { decodeState, encodeState, type TrainingState } from './state.ts';

export type NetworkTraining = {
  spec: NetworkSpec;
  engine: Engine;
  /** Makes the source of triplets (item indices; p equal to q means another view of q), whose only state is `random`. */
  tripletSource: (random: Random) => () => Triplet;
  pictureOf: (index: number) => Picture;
  settings: Settings;
  seed: number;
  seconds: number;
  checkpointSeconds: number;
  checkpoint: Uint8Array | null;
  /** Of the request: a checkpoint of another one is not continued. */
  fingerprint: string;
  signal: AbortSignal;
  emit: {
    loss(point: { step: number; loss: number; activeShare: number }): void;
    progress(done: number, etaSeconds: number): void;
    checkpoint(step: number, state: Uint8Array): void;
  };
};

/** The paper gives neither gap, rate, momentum nor batch size; these were chosen on the development set's validation part. */
export type Settings = {
  /** B */
  triplets: number;
  /** g */
  gap: number;
  peakRate: number;
  /** Share of the steps in which the rate rises. */
  warmUp: number;
  momentum: number;
  /** lambda of the paper's 0.001 ||W||^2 */
  weightDecay: number;
  /** Global norm that gradients are clipped to. */
  clip: number;
  /** Of the augmentation; 0 none. */
  strength: number;
};

export const SETTINGS: Settings = {
  triplets: 64,
  gap: 0.3,
  peakRate: 0.03,
  warmUp: 0.05,
  momentum: 0.9,
  weightDecay: 1e-4,
  clip: 5,
  strength: 1,
};

/** Steps that show how long one takes; the number of all steps, and with it the schedule, follows and is kept. */
const CALIBRATION = 5;
const REPORT_MS = 500;

/**
 * Mini-batch Nesterov momentum on the triplet hinge loss (paper, sections 3 and 4), continuing from a checkpoint where
 * there is one. Between two steps it looks at `signal`, so it ends within a step.
 * @throws SimiliError TRAINING_DIVERGED when the loss is no finite number.
 */
export async function trainNetwork(
  training: NetworkTraining,
): Promise<{ weights: Weights; steps: number; loss: number }> {
  const { spec, engine, settings, seed, signal, emit } = training;
  const random = makeRandom(seed);
  const saved = training.checkpoint && decodeState(training.checkpoint, random, training.fingerprint);
  const state = saved ?? freshState(spec, random);
  const nextTriplet = training.tripletSource(random);
  const optimiser = makeNesterov(settings);
  const pictures = new Float32Array(3 * settings.triplets * spec.inputSize ** 2 * 3);
  const clock = { startedAt: Date.now(), firstStep: state.step, reportedAt: Date.now(), savedAt: Date.now() };

  while (state.totalSteps === 0 || state.step < state.totalSteps) {
    await nextTurn(); // a cancel message can arrive
    signal.throwIfAborted();
    fillBatch(training, nextTriplet, random, pictures);
    await engine.setWeights(state.weights);
    const { loss, activeShare, gradients } = await engine.gradients(pictures, {
      kind: 'tripletHinge',
      gap: settings.gap,
    });
    if (!Number.isFinite(loss))
      throw new SimiliError('TRAINING_DIVERGED', { step: state.step, why: `the loss became ${loss}` });
    clipGradients(gradients, settings.clip);
    const rate = learningRate(state.totalSteps ? state.step / state.totalSteps : 0, {
      peak: settings.peakRate,
      warmUp: settings.warmUp,
    });
    optimiser.step(state.weights, state.velocity, gradients, rate);
    state.step++;
    track(state, loss, activeShare);
    if (state.totalSteps === 0 && state.step === CALIBRATION)
      state.totalSteps = plannedSteps(training.seconds, clock.startedAt);
    report(state, clock, training, random, emit);
  }
  await engine.setWeights(state.weights);
  return { weights: state.weights, steps: state.step, loss: state.loss };
}

function freshState(spec: NetworkSpec, random: Random): TrainingState {
  const weights = initialWeights(spec, random);
  return { step: 0, totalSteps: 0, loss: 0, activeShare: 0, weights, velocity: zerosLike(weights) };
}

/** Three stacked towers: all queries, then all positives, then all negatives. */
function fillBatch(
  { pictureOf, settings, spec }: NetworkTraining,
  nextTriplet: () => Triplet,
  random: Random,
  pictures: Float32Array,
): void {
  const size = spec.inputSize;
  const length = size * size * 3;
  for (let b = 0; b < settings.triplets; b++) {
    const { q, p, n } = nextTriplet();
    [q, p, n].forEach((index, tower) => {
      augment(pictureOf(index), pictures, (tower * settings.triplets + b) * length, size, random, settings.strength);
    });
  }
}

const plannedSteps = (seconds: number, startedAt: number): number =>
  Math.max(CALIBRATION + 1, Math.round((seconds * 1000) / ((Date.now() - startedAt) / CALIBRATION)));

/** Exponential means: one batch's loss is noise. */
function track(state: TrainingState, loss: number, activeShare: number): void {
  const share = Math.max(0.02, 1 / state.step);
  state.loss += share * (loss - state.loss);
  state.activeShare += share * (activeShare - state.activeShare);
}

type Clock = { startedAt: number; firstStep: number; reportedAt: number; savedAt: number };

function report(
  state: TrainingState,
  clock: Clock,
  training: NetworkTraining,
  random: Random,
  emit: NetworkTraining['emit'],
): void {
  const now = Date.now();
  if (now - clock.reportedAt >= REPORT_MS || state.step === state.totalSteps) {
    clock.reportedAt = now;
    emit.loss({ step: state.step, loss: state.loss, activeShare: state.activeShare });
    const secondsPerStep = (now - clock.startedAt) / 1000 / (state.step - clock.firstStep);
    emit.progress(
      state.totalSteps ? state.step / state.totalSteps : 0,
      Math.round(secondsPerStep * (state.totalSteps - state.step)),
    );
  }
  if (now - clock.savedAt >= training.checkpointSeconds * 1000 && state.totalSteps > 0) {
    clock.savedAt = now;
    emit.checkpoint(state.step, encodeState(state, random, training.fingerprint));
  }
}
