import { decodeSafetensors } from '@simili/learning/models/safetensors';
import { averageWeights, firstNotFinite } from '@simili/learning/optimiser/averaging';
import type { ShardResult } from 'simili/internal/db/rounds';
import { SimiliError } from 'simili/internal/errors';
import { decodeState, encodeState, type TrainingState } from '../training/network/state.ts';

export type Merged = { state: Uint8Array; step: number; loss: number; activeShare: number; pictures: number };

/**
 * The end of a round: the mean of what its members reported, each weighted by the pictures it trained on. The velocity is
 * averaged like the weights: it is linear in the gradients, so the mean is what one process with the mean gradients of
 * all would have; reset to zero it would lose some 1 / (1 - momentum) = 10 steps of every round.
 * @throws SimiliError TRAINING_DIVERGED when the mean is not finite.
 */
export function mergeResults(results: readonly Omit<ShardResult, 'checksum'>[]): Merged {
  const states = results.map(({ state }) => stateOf(state));
  const { fingerprint, state: first } = states[0]!;
  const mean = (part: 'weights' | 'velocity') =>
    averageWeights(states.map(({ state }, i) => ({ weights: state[part], share: results[i]!.pictures })));
  const pictures = results.reduce((sum, result) => sum + result.pictures, 0);
  const meanOf = (what: 'loss' | 'activeShare') =>
    results.reduce((sum, result) => sum + (result.pictures / pictures) * result[what], 0);
  const merged = {
    ...first,
    source: null,
    best: null,
    weights: mean('weights'),
    velocity: mean('velocity'),
    loss: meanOf('loss'),
    activeShare: meanOf('activeShare'),
  };
  checkFinite(merged);
  const { step, loss, activeShare } = merged;
  return { state: encodeState(merged, fingerprint), step, loss, activeShare, pictures };
}

function stateOf(bytes: Uint8Array): { fingerprint: string; state: TrainingState } {
  const fingerprint = decodeSafetensors(bytes).metadata.fingerprint ?? '';
  return { fingerprint, state: decodeState(bytes, fingerprint)! };
}

function checkFinite({ step, loss, weights, velocity }: TrainingState): void {
  const tensor = firstNotFinite(weights) ?? firstNotFinite(velocity);
  if (!tensor && Number.isFinite(loss)) return;
  throw new SimiliError('TRAINING_DIVERGED', {
    step,
    why: tensor ? `${tensor} is not finite` : `the loss became ${loss}`,
  });
}
