import { decodeSafetensors, encodeSafetensors } from '@simili/learning/models/safetensors';
import type { Weights } from '@simili/learning/network/spec';
import { zerosLike } from '@simili/learning/optimiser/optimiser';
import type { Look } from './held-out.ts';

/** A network's training between two steps: what is needed to go on as if nothing had happened. */
export type TrainingState = {
  /** 'pretrain': the first branch, on category labels. 'rank': the whole network. */
  readonly phase: 'pretrain' | 'rank';
  /** Steps of this phase that are done. */
  step: number;
  /** Steps of this phase; 0 until the first ones have shown how long a step takes. */
  totalSteps: number;
  /** Exponential means. */
  loss: number;
  activeShare: number;
  weights: Weights;
  velocity: Weights;
  /** State of the batch source: sampler, its buffers, its random numbers. */
  source: unknown;
  /** The best look at the held-out triplets so far. */
  best: (Look & { step: number; weights: Weights }) | null;
};

/** Before the first step. @param totalSteps 0: until the first ones have shown how long a step takes. */
export const freshState = (phase: TrainingState['phase'], weights: Weights, totalSteps: number): TrainingState => ({
  phase,
  step: 0,
  totalSteps,
  loss: 0,
  activeShare: 0,
  weights,
  velocity: zerosLike(weights),
  source: null,
  best: null,
});

/** For whoever opens a checkpoint a year later; nothing is read back from it. */
export type About = Record<string, string | number>;

/** @param fingerprint of everything the state was reached from (keeping.ts): elsewhere it would mean something else. */
export function encodeState(
  { weights, velocity, best, ...rest }: TrainingState,
  fingerprint: string,
  about: About = {},
): Uint8Array {
  const tensors = {
    ...prefixed('weight.', weights),
    ...prefixed('velocity.', velocity),
    ...prefixed('best.', best?.weights ?? {}),
  };
  const numbers = { ...rest, best: best && { step: best.step, precision: best.precision, error: best.error } };
  return encodeSafetensors(tensors, {
    numbers: JSON.stringify(numbers),
    about: JSON.stringify(about),
    fingerprint,
  });
}

type Numbers = Omit<TrainingState, 'weights' | 'velocity' | 'best'> & {
  best: (Omit<Look, 'error'> & { error: number | null; step: number }) | null;
};

/** @returns null when the state belongs to another request. */
export function decodeState(bytes: Uint8Array, fingerprint: string): TrainingState | null {
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata.fingerprint !== fingerprint) return null;
  const { best, ...numbers } = JSON.parse(metadata.numbers ?? '{}') as Numbers;
  return {
    ...numbers,
    weights: unprefixed('weight.', tensors),
    velocity: unprefixed('velocity.', tensors),
    // JSON has no infinity: of few products nobody knows the error.
    best: best && { ...best, error: best.error ?? Number.POSITIVE_INFINITY, weights: unprefixed('best.', tensors) },
  };
}

const prefixed = (prefix: string, weights: Weights): Weights =>
  Object.fromEntries(Object.entries(weights).map(([name, value]) => [prefix + name, value]));

const unprefixed = (prefix: string, tensors: Weights): Weights =>
  Object.fromEntries(
    Object.entries(tensors).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );
