import type { Weights } from '../../src/learning/network/spec.ts';
import type { Random } from '../../src/learning/random.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/learning/safetensors.ts';

/** All of a training that is not in its request: enough to go on as if nothing had happened. */
export type TrainingState = {
  /** Steps done. */
  step: number;
  /** Steps of the whole training; 0 until the first ones have shown how long a step takes. */
  totalSteps: number;
  /** Exponential means. */
  loss: number;
  activeShare: number;
  weights: Weights;
  velocity: Weights;
};

/** @param fingerprint of everything the state was reached from (fit-model.ts): elsewhere it would mean something else. */
export function encodeState(
  { weights, velocity, ...numbers }: TrainingState,
  random: Random,
  fingerprint: string,
): Uint8Array {
  const tensors = { ...prefixed('weight.', weights), ...prefixed('velocity.', velocity) };
  return encodeSafetensors(tensors, {
    numbers: JSON.stringify(numbers),
    random: JSON.stringify(random.state()),
    fingerprint,
  });
}

/** Also puts `random` where it was. @returns null when the state belongs to another request. */
export function decodeState(bytes: Uint8Array, random: Random, fingerprint: string): TrainingState | null {
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata.fingerprint !== fingerprint) return null;
  random.restore(JSON.parse(metadata.random ?? '[]') as number[]);
  const numbers = JSON.parse(metadata.numbers ?? '{}') as Omit<TrainingState, 'weights' | 'velocity'>;
  return { ...numbers, weights: unprefixed('weight.', tensors), velocity: unprefixed('velocity.', tensors) };
}

const prefixed = (prefix: string, weights: Weights): Weights =>
  Object.fromEntries(Object.entries(weights).map(([name, value]) => [prefix + name, value]));

const unprefixed = (prefix: string, tensors: Weights): Weights =>
  Object.fromEntries(
    Object.entries(tensors).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );
